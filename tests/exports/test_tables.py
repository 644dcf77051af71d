"""A run as tables: every number as it was, nothing that a spreadsheet would compute."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gtalign_training.cli import main
from gtalign_training.exports.tables import EPISODES, EXCHANGES, exchanges_file
from gtalign_training.runs.folder import read_run
from gtalign_training.tables.csv import FORMULA

from .conftest import ODD

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed (extra studies)")
RUN = CliRunner()
TEXTS = [name for name, kind in (EPISODES | EXCHANGES).items() if kind in ("text", "texts")]


def exported(target: Path, out: Path, *more: str) -> dict[str, Any]:
    done = RUN.invoke(main, ["export", str(target), "--out", str(out), "--json", *more])
    assert done.exit_code == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.mark.parametrize("run", ["by_moves", "with_faults"])
def test_both_tables_hold_the_run_in_both_formats(
    run: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    target = request.getfixturevalue(run)
    episodes = read_run(target).episodes
    told = exported(target, tmp_path / "run.csv")
    exported(target, tmp_path / "run.parquet")
    table = pq.read_table(tmp_path / "run.parquet").to_pylist()
    text = rows(tmp_path / "run.csv")
    assert len(table) == len(text) == len(episodes) == told["conversations"]
    for one, shown, told_by in zip(table, text, episodes.values(), strict=True):
        failed = told_by.fault is not None
        assert one["user_welfare"] == (None if failed else told_by.user)
        assert one["joint_welfare"] == told_by.welfare
        assert one["charged_pico_usd"] == told_by.charged == int(shown["charged_pico_usd"])
        assert one["user_moves"] == list(told_by.user_moves)
        assert shown["user_welfare"] == ("" if failed else repr(told_by.user))
        assert shown["fault_kind"] == (told_by.fault.kind if told_by.fault else "")
        assert one["persona"] == told_by.persona
    exchanges = pq.read_table(exchanges_file(tmp_path / "run.parquet")).to_pylist()
    assert len(exchanges) == len(rows(tmp_path / "run.exchanges.csv"))
    for index, told_by in episodes.items():
        own = [one for one in exchanges if one["episode"] == index]
        assert sum(one["charge_pico_usd"] for one in own) == told_by.charged
        assert sum(one["user_reward"] for one in own) == pytest.approx(told_by.user, abs=1e-12)
        assert [one["user_move"] for one in own] == list(told_by.user_moves)


def test_no_cell_begins_like_a_formula_and_all_else_is_kept(
    transcripts: Path, tmp_path: Path
) -> None:
    told = exported(transcripts, tmp_path / "told.csv")
    assert told["repaired_characters"] > 0
    found = [*rows(tmp_path / "told.csv"), *rows(tmp_path / "told.exchanges.csv")]
    for row in found:
        for name, value in row.items():
            if name in TEXTS:
                assert not value.startswith(FORMULA), (name, value)
    said = [row["user_text"] for row in rows(tmp_path / "told.exchanges.csv") if row["user_text"]]
    for text in ODD:
        shown = text.replace("\ud800", "\ufffd")
        expected = f"'{shown}" if shown.startswith(FORMULA) else shown
        assert not expected or expected in said
    # numbers are not text: a negative reward stays one
    assert any(row["user_reward"].startswith("-") for row in rows(tmp_path / "told.exchanges.csv"))


def test_parquet_keeps_texts_as_they_are_and_chats_as_messages(
    transcripts: Path, tmp_path: Path
) -> None:
    told = exported(transcripts, tmp_path / "told.parquet")
    assert told["repaired_characters"] > 0
    table = pq.read_table(tmp_path / "told.parquet")
    assert table.schema.names == list(EPISODES)
    first, *_ = table.to_pylist()
    assert first["regime"] == "=1+1"
    assert first["messages"] == [
        {"role": "user", "content": "=1+1"},
        {"role": "assistant", "content": "=1+1"},
    ]
    assert first["user_welfare"] is None  # a fault
    assert pq.read_table(exchanges_file(tmp_path / "told.parquet")).schema.names == list(EXCHANGES)


def test_hugging_face_datasets_read_it(by_moves: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed (extra train)")
    exported(by_moves, tmp_path / "run.parquet")
    loaded = datasets.Dataset.from_parquet(
        str(tmp_path / "run.parquet"), cache_dir=str(tmp_path / "cache")
    )
    assert loaded.num_rows == 20
    assert set(loaded["scenario"]) == {"upsell"}


def test_a_damaged_log_is_told_and_what_is_intact_is_exported(
    by_moves: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    copy.mkdir()
    for name in ("run.json", "events.jsonl"):
        (copy / name).write_bytes((by_moves / name).read_bytes())
    data = bytearray((copy / "events.jsonl").read_bytes())
    data[200] ^= 1
    (copy / "events.jsonl").write_bytes(bytes(data))
    told = exported(copy, tmp_path / "run.csv")
    assert told["conversations"] == 19
    assert "damaged in 1 places" in told["notes"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{run}"], "is a run: say --format, one of inspect, csv, parquet, tensorboard"),
        (["{run}", "--format", "csv"], "say where to: --out run.csv"),
        (["{run}", "--format", "nfg", "--out", "x.nfg"], "is a run: say --format"),
        (["{run}", "--format", "inspect"], "say where to: --out logs"),
        (["help_desk", "--format", "csv", "--out", "x.csv"], "neither a run's folder"),
        (["{run}", "--out", "x.csv", "--exchanges", "2"], "are for games"),
        (["{empty}", "--out", "x.csv"], "holds no conversations"),
        (["{run}", "--format", "tensorboard", "--out", "b"], "no metrics.jsonl with series"),
        (["nowhere.jsonl", "--out", "x.csv"], "cannot be read"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_said(
    arguments: list[str], said: str, by_moves: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    given = [one.format(run=by_moves, empty=empty) for one in arguments]
    given = [str(tmp_path / one) if one in ("x.csv", "x.nfg", "b") else one for one in given]
    done = RUN.invoke(main, ["export", *given])
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())
    assert not (tmp_path / "x.csv").exists()
