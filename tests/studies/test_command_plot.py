"""`gtalign plot` from the command line."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gtalign_training.cli import main
from gtalign_training.studies.folder import StudyFolder


def width_of(png: Path) -> int:
    width, _ = struct.unpack(">II", png.read_bytes()[16:24])
    return int(width)


def test_the_command_draws_studies_and_games(folder: StudyFolder, tmp_path: Path) -> None:
    run = CliRunner().invoke
    where = str(folder.path)
    out = tmp_path / "a.png"
    held = ["--at", "pricing.free.questions=true"]
    done = run(main, ["plot", where, "--kind", "restriction", *held, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert width_of(out) == 1200
    done = run(main, ["plot", "gtalign_table1", "--out", str(tmp_path / "b.svg"), "--json"])
    assert done.exit_code == 0, done.output
    assert '"kind": "payoffs"' in done.stdout
    assert "DQ x AQ" in (tmp_path / "b.svg").read_text(encoding="utf-8")
    page = tmp_path / "c.html"
    done = run(main, ["plot", "upsell", "--pricing", "subscription", "--kind", "replies", "--out", str(page)])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "upsell under subscription" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["upsell", "--kind", "class"], "must be a folder that gtalign sweep"),
        (["upsell", "--out", "a.pdf"], "must end in .png, .svg, .html"),
        (["upsell", "--at", "persona.value=1"], "a game has none"),
        (["upsel"], "Did you mean 'upsell'?"),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["plot", *arguments])
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_sweep_is_no_game(folder: StudyFolder) -> None:
    done = CliRunner().invoke(main, ["plot", str(folder.path), "--kind", "payoffs"])
    assert done.exit_code == 2
    assert "draws a game" in done.stderr


@pytest.mark.parametrize("command", ["dynamics", "repeated", "tournament"])
def test_a_picture_that_cannot_be_written_is_refused_before_the_work(
    command: str, tmp_path: Path
) -> None:
    file = tmp_path / "a.pdf"
    # the game does not exist: the ending is looked at first
    done = CliRunner().invoke(main, [command, "no_such_game", "--plot", str(file)])
    assert done.exit_code == 2
    endings = ".png, .svg, .html" if command == "dynamics" else ".png, .svg"
    assert f"--plot must end in {endings}; got 'a.pdf'" in " ".join(done.stderr.split())
    assert not list(tmp_path.iterdir())
