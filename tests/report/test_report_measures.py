"""Numbers of a report against what they are made of: bills, draws, paired differences, charts."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_env.core.policies import default_seat, random_assistant
from gtalign_env.envs.table import Table
from gtalign_env.scenario.library import list_entries
from gtalign_training.report import parts
from gtalign_training.report.charts.curves import MOST_POINTS, curve_chart
from gtalign_training.report.charts.field import shades
from gtalign_training.report.charts.svg import digits_of, scale_of
from gtalign_training.report.compare import compare
from gtalign_training.report.html import Html
from gtalign_training.report.parts import Curve, Differences, Flow, Outcomes, Part
from gtalign_training.report.readers import read_folders
from gtalign_training.report.replayed import bring_back
from gtalign_training.report.sections import build
from gtalign_training.report.talks import at_most, with_unique_keys
from gtalign_training.runs.record import play, record

PRICES = [entry.name for entry in list_entries("pricing")]


@pytest.mark.parametrize("price", PRICES)
@pytest.mark.parametrize("scenario", ["quick_question", "help_desk"])
def test_the_parts_of_a_bill_add_up_to_it_under_every_price(scenario: str, price: str) -> None:
    table = Table(scenario, price)
    table.seed(3)
    for episode in range(12):
        talk = table.open(episode)
        play(talk, default_seat(0.5), random_assistant)
        played = record(talk, None, seed=3, episode=episode)
        found = bring_back(table, episode, played.events[:-1], played.result.cost)
        assert found.budget == talk.who.budget
        assert found.billed is not None
        assert found.spent is not None
        assert sum(found.billed) == played.result.charged
        assert sum(found.spent) == played.result.cost
        assert found.usage == tuple(tuple(one.usage) for one in talk.ledger.exchanges)
        # what is left over is minimum, cap and surge: nothing where a price has none of them
        tariff = talk.spec.regime.tariff
        plain = (tariff.minimum, tariff.numerator) == (0, tariff.denominator)
        if plain and tariff.cap == 2**63 - 1:
            assert found.billed[-1] == 0


def test_moves_that_cannot_have_been_played_bring_back_the_type_alone() -> None:
    table = Table("quick_question")
    table.seed(0)
    turns = [{"seat": "user", "move": "ACCEPT", "charge": 0}]
    found = bring_back(table, 0, turns, 0)
    assert (found.usage, found.billed, found.spent) == (None, None, None)
    assert found.budget == table.open(0).who.budget
    strange: list[dict[str, Any]] = [{"seat": "user", "move": "DANCE", "charge": 0}]
    assert bring_back(table, 0, strange, 0).usage is None


def test_a_flow_is_as_wide_where_it_comes_in_as_where_it_goes_out(folders: Path) -> None:
    names = ("moves", "words", "steered")
    for folder in read_folders([folders / name for name in names]):
        (flow,) = [part for part in folder.parts if isinstance(part, Flow)]
        summary = json.loads((folders / folder.name / "summary.json").read_text())
        into, out = sum(x for _, x in flow.sources), sum(x for _, x in flow.sinks)
        assert into == pytest.approx(out, abs=1e-15)
        assert into == pytest.approx(summary["bill_usd"]["charged"], abs=1e-15)


def test_paired_differences_are_those_of_the_same_conversations(folders: Path) -> None:
    found = read_folders([folders / "moves", folders / "rival", folders / "other_seed"])
    (shown,) = compare([one for folder in found for one in folder.outcomes])
    ((name, pairs, gaps),) = shown.rows
    assert (name, pairs) == ("rival", 60)
    logs = [
        [
            json.loads(line)["record"]
            for line in (folders / one / "episodes.jsonl").read_text().splitlines()
        ]
        for one in ("moves", "rival")
    ]
    meant = np.array([b["welfare"] - a["welfare"] for a, b in zip(*logs, strict=True)])
    assert gaps["joint"].mean == pytest.approx(meant.mean(), abs=1e-12)
    half = 1.96 * meant.std(ddof=1) / np.sqrt(len(meant))  # the interval of large samples
    assert gaps["joint"].high - gaps["joint"].low == pytest.approx(2 * half, rel=0.25)
    assert shown.apart == (("other_seed", "seed 1, there 0"),)


def outcomes(name: str, seed: str, version: str = "1", shift: float = 0.0, n: int = 9) -> Outcomes:
    table = {str(k): (k + shift, 1.0, 2.0, 0.5) for k in range(n)}
    return Outcomes(name, {"seed": seed, "version": version}, table)


def test_each_set_of_results_made_alike_is_compared_within_itself() -> None:
    made = [
        outcomes("a", "0"),
        outcomes("b", "1"),
        outcomes("a2", "0", shift=1.0),
        outcomes("b2", "1", shift=-1.0),
        outcomes("old", "0", version="0"),
    ]
    first, second = compare(made)
    assert [(name, pairs, gaps["user"].mean) for name, pairs, gaps in first.rows] == [("a2", 9, 1)]
    assert [(name, gaps["user"].mean) for name, _, gaps in second.rows] == [("b2", -1)]
    assert dict(first.apart) == {"b, b2": "seed 1, there 0", "old": "version 0, there 1"}
    assert compare(made[:1]) == ()


def test_results_without_a_common_conversation_are_not_paired() -> None:
    alone = dataclasses.replace(outcomes("c", "0"), table={"x": (1.0, 1.0, 1.0, 1.0)})
    (found,) = compare([outcomes("a", "0"), alone])
    assert found.rows == ()
    assert "fewer than 2" in found.apart[0][1]


def test_every_kind_of_part_has_a_section(every_part: list[Part]) -> None:
    shown = {type(part) for part in every_part}
    known = {
        kind
        for kind in vars(parts).values()
        if isinstance(kind, type) and issubclass(kind, Part) and kind is not Part
    }
    assert known - shown == {parts.Data}  # which no folder of the package has; tested apart
    with pytest.raises(TypeError, match="no section draws"):
        build(Part("x"))


@pytest.fixture(scope="module")
def every_part(folders: Path) -> list[Part]:
    """Every part of every kind of folder."""
    names = (
        *("moves", "rival", "words", "steered", "faults", "damaged", "training", "sweep"),
        *("evaluation", "answers", "ablation", "selfplay"),
    )
    found = read_folders([folders / name for name in names])
    every: list[Part] = [part for folder in found for part in folder.parts]
    every += compare([one for folder in found for one in folder.outcomes])
    assert any(isinstance(part, Differences) for part in every)
    return every


def test_sections_hold_no_style_no_script_and_no_address(every_part: list[Part]) -> None:
    for part in [*every_part, parts.Data("x", {"a": [{"b": None}], "c": []})]:
        markup = build(part)
        assert isinstance(markup, Html)
        links = r'href="\./[\w./%+-]*"' if isinstance(part, parts.Runs) else "no links"
        plain = re.sub(links, "", markup)
        assert not re.search(r"<script|\bstyle=|\bon\w+=|href=|src=|url\(", plain), part.title
        assert "nan" not in re.sub(r"<title>.*?</title>", "", markup).lower().split()


def test_numbers_of_any_size_make_a_finite_chart() -> None:
    for values in ((0.0,), (1e-12, 2e-12), (-1e9, 1e9), (5.0, 5.0), tuple(range(1000))):
        xs = tuple(map(float, range(len(values))))
        markup = curve_chart("x", [Curve("a", "joint", xs, values)], "step", "points")
        assert not re.search(r'"[^"]*(nan|inf)[^"]*"', markup)
        assert max((path.count("L") for path in re.findall(r'd="([^"]*)"', markup)), default=0) <= (
            2 * MOST_POINTS
        )


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_few_and_told_apart(low: float, width: float) -> None:
    scale = scale_of([low, low + width], 0.0, 100.0)
    ticks = scale.ticks(6)
    assert 2 <= len(ticks) <= 7
    assert all(scale.low - 1e-6 <= tick <= scale.high + 1e-6 for tick in ticks)
    shown = [f"{tick:.{digits_of(ticks)}f}" for tick in ticks]
    assert len(set(shown)) == len(shown)


def test_shades_follow_the_numbers_and_leave_out_what_is_none() -> None:
    codes, told = shades(np.array([[0.0, 1.0, np.nan], [0.5, 0.99, 0.01]]))
    assert codes.tolist() == [[0, 8, -1], [4, 8, 0]]
    assert (told[0], told[-1]) == ("0.000 to 0.111", "0.889 to 1.000")
    codes, _ = shades(np.array([[1.0, 10.0, 1000.0]]))  # by ratio where that is large
    assert codes.tolist() == [[0, 3, 8]]
    assert shades(np.full((2, 2), np.nan))[1] == []


def test_conversations_of_one_index_have_keys_of_their_own() -> None:
    rows = [{"key": "0", "regime": "a"}, {"key": "0", "regime": "b"}, {"key": "0", "regime": "b"}]
    assert [one["key"] for one in with_unique_keys(rows)] == ["a-0", "b-0", "b-0-2"]


def test_a_page_holds_as_many_conversations_as_it_is_told_and_says_so(folders: Path) -> None:
    found = at_most(read_folders([folders / "moves", folders / "words"]), 70)
    assert [len(some.records) for one in found for some in one.talks] == [60, 10]
    assert found[0].problems == ()
    assert "10 of 40 conversations" in found[1].problems[0]
