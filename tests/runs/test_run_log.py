"""The log: what is written is read; what is damaged is counted, and costs nothing else."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_training.run_log import RunLog, decode, encode, read_log

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=6))
def test_what_is_written_is_read(records: list[object]) -> None:
    data = b"".join(encode(record) for record in records)
    found = decode(data)
    assert found.records == records
    assert (found.damaged, found.torn, found.end) == (0, 0, len(data))


def test_every_line_is_plain_json_and_names_its_record() -> None:
    line = encode({"a": [1.5, "ä\n", None]}).decode()
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    assert json.loads(line)["record"] == {"a": [1.5, "ä\n", None]}


def test_lone_surrogates_and_impossible_numbers() -> None:
    assert decode(encode("a\ud800b")).records == ["a\ufffdb"]
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON compliant"):
            encode(bad)


def test_a_record_inside_a_record_is_not_taken_for_one() -> None:
    inner = encode({"episode": 1}).decode()
    assert decode(encode({"text": inner})).records == [{"text": inner}]


@given(st.integers(0, 10_000))
def test_any_cut_costs_the_cut_line_alone(where: int) -> None:
    lines = [encode({"episode": i, "text": "x" * (i % 7)}) for i in range(20)]
    data = b"".join(lines)[: where % sum(map(len, lines))]
    whole = 0
    while sum(map(len, lines[: whole + 1])) - 1 <= len(data):  # the line break may be cut off
        whole += 1
    found = decode(data)
    assert [record["episode"] for record in found.records] == list(range(whole))
    assert found.damaged == 0
    assert found.torn == max(0, len(data) - sum(map(len, lines[:whole])))


def damage(lines: list[bytes], rng: random.Random) -> tuple[bytes, set[int]]:
    """Return the log after one random damage, and the lines that it did not touch."""
    whole = set(range(len(lines)))
    at = rng.randrange(len(lines))
    kind = rng.randrange(7)
    if kind == 0:  # cut off at the end
        lines = [*lines[:at], lines[at][: rng.randrange(1, len(lines[at]) - 1)]]
        return b"".join(lines), set(range(at))
    if kind == 1:  # a flipped bit
        line = bytearray(lines[at])
        where = rng.randrange(len(line))
        line[where] ^= 1 << rng.randrange(8)
        lines = [*lines[:at], bytes(line), *lines[at + 1 :]]
        # the line break is not part of the record
        return b"".join(lines), whole - ({at} if where < len(line) - 1 else set())
    if kind == 2:  # a repeated line
        return b"".join([*lines[:at], lines[at], *lines[at:]]), whole
    if kind == 3:  # a stretch cut out of the middle
        stop = min(len(lines), at + rng.randrange(1, 4))
        kept = lines[at][: rng.randrange(1, len(lines[at]) - 1)]
        return b"".join([*lines[:at], kept, *lines[stop:]]), whole - set(range(at, stop))
    if kind == 4:  # other line breaks
        return b"".join(lines).replace(b"\n", b"\r\n"), whole
    if kind == 5:  # no line breaks
        return b"".join(lines).replace(b"\n", b""), whole
    junk = rng.randbytes(rng.randrange(1, 200)).replace(b'{"crc32"', b"")
    return b"".join([*lines[:at], junk, *lines[at:]]), whole


def test_five_hundred_damages_cost_no_line_that_they_do_not_hit() -> None:
    rng = random.Random(39)
    intact = recovered = 0
    for _ in range(500):
        lines = [encode({"episode": i, "text": "y" * rng.randrange(60)}) for i in range(40)]
        data, untouched = damage(lines, rng)
        found = decode(data)
        read = {record["episode"] for record in found.records}
        assert read <= set(range(40))
        assert found.damaged or found.torn or read == set(range(40))  # no loss is kept quiet
        intact += len(untouched)
        recovered += len(untouched & read)
    assert recovered == intact > 15_000


@pytest.mark.parametrize(
    ("data", "damaged", "torn"),
    [
        (b"", 0, 0),
        (b"\n\n", 0, 0),
        (encode(1)[:-1], 0, 0),
        (encode(1) + b"nonsense\n" + encode(2), 1, 0),
        (encode(1) + b"nonsense\n", 1, 0),
        (encode(1) + b"nonsense", 0, 8),
        (b"old line\n" * 3 + encode(1), 1, 0),
        (b'{"crc32":"00000000","bytes":1 2 3 45,"record":' + encode(1), 1, 0),
    ],
)
def test_damage_is_counted(data: bytes, damaged: int, torn: int) -> None:
    found = decode(data)
    assert (found.damaged, found.torn) == (damaged, torn)


def test_going_on_after_a_torn_end_cuts_it_off_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"nonsense\n" + encode(1) + encode(2)[:-9])
    with RunLog(path, read_log(path).end) as log:
        log.append([3])
    assert path.read_bytes() == b"nonsense\n" + encode(1) + encode(3)
    path.write_bytes(encode(1)[:-1])
    with RunLog(path, read_log(path).end) as log:
        log.append([2])
    assert path.read_bytes() == encode(1) + encode(2)


def test_appended_records_have_reached_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    path = tmp_path / "log.jsonl"
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
    with RunLog(path, 0) as log:
        log.append([1, 2])
        assert synced == [path.stat().st_size] == [2 * len(encode(1))]


def test_short_writes_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:7]))
    with RunLog(tmp_path / "log.jsonl", 0) as log:
        log.append([{"episode": i} for i in range(5)])
    assert len(read_log(tmp_path / "log.jsonl").records) == 5


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path / "none.jsonl").records == []
