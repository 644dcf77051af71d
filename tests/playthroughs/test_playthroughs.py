"""Every id on every scenario does what its playthrough says, line for line."""

from __future__ import annotations

import pytest

from gtalign_env.envs import ENVS, PARALLEL_ENVS
from tests.playthroughs.playthrough import GOLDEN, REWRITE, Case, cases, record

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file.stem)
def test_a_playthrough_is_as_recorded(case: Case) -> None:
    assert case.file.exists(), f"no playthrough of {case.env_id} on {case.name}; run: {REWRITE}"
    expected = case.file.read_text(encoding="utf-8").splitlines()
    came = record(case).splitlines()
    for number, (old, new) in enumerate(zip(expected, came, strict=False), start=1):
        where = f"{case.file.name}:{number}"
        assert new == old, f"{where} has changed; if it should, run: {REWRITE}"
    assert len(came) == len(expected), f"{case.file.name} has another length; run: {REWRITE}"


def test_there_is_one_for_every_id_and_none_too_many() -> None:
    assert {case.env_id for case in CASES} == {*ENVS, *PARALLEL_ENVS}
    assert set(GOLDEN.glob("*.txt")) == {case.file for case in CASES}


def test_recording_twice_gives_the_same() -> None:
    assert len({case.file for case in CASES}) == len(CASES)
    for case in (CASES[0], CASES[-1]):
        assert record(case) == record(case)
