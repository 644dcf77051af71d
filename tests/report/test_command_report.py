"""`gtalign report` as typed: what it writes and prints, and what it answers to mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gtalign_training.cli import main

RUN = CliRunner()


def test_a_report_goes_into_its_folder_and_says_so(folders: Path) -> None:
    done = RUN.invoke(main, ["report", str(folders / "words")])
    assert done.exit_code == 0, done.output
    page = folders / "words" / "report.html"
    assert done.stdout.startswith(f"wrote {page} (")
    assert "<title>quick_question under per_token: default × clarify_once</title>" in (
        page.read_text(encoding="utf-8")
    )
    page.unlink()


def test_json_is_what_the_page_shows_first(folders: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "compared.html"
    names = [str(folders / name) for name in ("moves", "rival", "damaged")]
    done = RUN.invoke(main, ["report", *names, "-o", str(out), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["file"] == str(out)
    assert out.exists()
    summary = json.loads((folders / "moves" / "summary.json").read_text())
    first, second, third = told["folders"]
    assert first["welfare"] == summary["welfare"]
    assert (first["kind"], first["conversations"], first["problems"]) == ("run", 60, [])
    assert any("damaged" in problem for problem in third["problems"])
    ((base, rows, apart),) = [tuple(one.values()) for one in told["comparisons"]]
    assert base == "moves"
    assert (rows[0]["name"], rows[0]["pairs"]) == (second["name"], 60)
    assert apart == [{"name": "damaged", "why": "version 0.0.1, there 0.1.0"}]


def test_problems_are_printed_apart_from_the_result(folders: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "x.html")
    done = RUN.invoke(main, ["report", str(folders / "damaged"), "--out", out])
    assert done.exit_code == 0
    assert "damaged in" in done.stderr
    assert "damaged in" not in done.stdout


def test_a_page_can_hold_fewer_conversations(folders: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "x.html")
    arguments = ["report", str(folders / "moves"), "--out", out, "--conversations", "7", "--json"]
    told = json.loads(RUN.invoke(main, arguments).stdout)
    assert told["folders"][0]["conversations"] == 7
    assert "holds 7 of 60" in told["folders"][0]["problems"][0]


def test_the_same_folder_gives_the_same_page_but_for_its_time(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    monkeypatch.setattr(
        "gtalign_training.report.page.now", lambda: datetime(2026, 1, 2, tzinfo=UTC)
    )
    pages = [tmp_path / f"{k}.html" for k in range(2)]
    for page in pages:
        RUN.invoke(main, ["report", str(folders / "steered"), "-o", str(page)])
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert b"2026-01-02 00:00 UTC" in pages[0].read_bytes()


def test_a_run_needs_no_extra_and_a_sweep_says_which(folders: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('matplotlib', 'plotly', 'pyarrow', 'torch', 'transformers', 'trl'):\n"
        "    sys.modules[name] = None\n"
        "from gtalign_training.cli import main\n"
        "main(['report', *sys.argv[1:]])\n"
    )
    names = [str(folders / name) for name in ("words", "training", "sweep")]
    done = subprocess.run(
        [sys.executable, "-c", code, *names, "-o", str(tmp_path / "x.html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "wrote" in done.stdout
    assert "gtalign-env[studies]" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "does not exist. A report is made of folders"),
        ([__file__], "is a file, and no folder. A report is made of folders"),
        (["."], "must hold a run, a sweep or a training run; it holds"),
        ([".", "-o", "report.pdf"], "--out must end in .html; got 'report.pdf'"),
    ],
)
def test_mistakes_are_one_clean_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").touch()
    done = RUN.invoke(main, ["report", *arguments])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_a_place_that_cannot_be_written_is_told(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = str(tmp_path / "file" / "x.html")
    done = RUN.invoke(main, ["report", str(folders / "moves"), "-o", out])
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
