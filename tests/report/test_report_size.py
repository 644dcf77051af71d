"""Large runs: 2,000 conversations with long messages stay small and open at once."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest

from gtalign_env.scenario.loader import load_scenario
from gtalign_training.report.page import Report, page_of
from gtalign_training.report.readers import read_folders
from gtalign_training.run_log import encode, read_log
from gtalign_training.runs.folder import EVENTS, Plan
from gtalign_training.runs.run import run
from gtalign_training.runs.words import Words
from tests.browser import Visitor
from tests.report.conftest import MATRIX

EPISODES = 2000
MOST_BYTES = 15e6
MOST_SECONDS = 2.0  # on an idle machine; a shared one is given five times that
THINKING = 220
"""Words of a thinking block: with the matrix, about 2 kB a turn."""


@pytest.mark.slow
def test_2000_long_conversations_open_within_two_seconds(visit: Visitor, tmp_path: Path) -> None:
    run(Plan(load_scenario("help_desk"), "default", "clarify_once", 0, EPISODES, Words()), tmp_path)
    _write_at_length(tmp_path / EVENTS)
    began = time.perf_counter()
    page = tmp_path / "report.html"
    page.write_text(page_of(Report(read_folders([tmp_path]))), encoding="utf-8")
    made, size = time.perf_counter() - began, page.stat().st_size
    written = (tmp_path / EVENTS).stat().st_size
    assert size <= MOST_BYTES
    seconds = []
    visits = []
    for _ in range(3):
        began = time.perf_counter()
        visits.append(visit(page, wait="domcontentloaded"))
        visits[-1].page.locator("#talk h3").wait_for()  # the first conversation can be read
        seconds.append(time.perf_counter() - began)
    seen = visits[-1]
    began = time.perf_counter()
    seen.page.fill("#search", "zzz")
    seen.page.get_by_text(f"0 of {EPISODES:,} conversations").wait_for()
    searched = time.perf_counter() - began
    seen.check()
    sys.stdout.write(
        f"\n{EPISODES:,} conversations, {written / 1e6:.1f} MB of events: made in {made:.1f} s, "
        f"{size / 1e6:.1f} MB, open in {min(seconds):.2f} to {max(seconds):.2f} s, "
        f"searched through in {searched:.2f} s\n"
    )
    assert min(seconds) <= 5 * MOST_SECONDS


def _write_at_length(log: Path) -> None:
    """Give every turn of the assistant four blocks with words of its own, which do not compress away."""
    rng = random.Random(0)
    records = read_log(log).records
    for one in records:
        if one.get("seat") == "assistant":
            thinking = " ".join(f"{rng.getrandbits(28):x}" for _ in range(THINKING))
            one["written"] = (
                f"<thinking>{thinking}</thinking><payoff>{MATRIX}</payoff>"
                f"<analyze>DQ_DA</analyze><response>{one['text']}</response>"
            )
    log.write_bytes(b"".join(map(encode, records)))
