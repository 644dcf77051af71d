"""A person on the page: what they may see, what they may do, and what a model that fails leaves."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gtalign_agents.dialogue.user_prompt import preferences
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.envs.table import Table as Dealer
from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.loader import load_scenario
from gtalign_env.testing import FaultServer
from gtalign_training.human.sitting import Sitting, type_lines
from gtalign_training.ui.draw_seat import draw_brief, draw_end, draw_standing, draw_talk
from gtalign_training.ui.seat import SEATS, Table, across, opponents, take_seat


def screen(table: Table) -> str:
    return "".join(
        (draw_brief(table), draw_talk(table), draw_standing(table), draw_end(table, table.review()))
    )


def sat(scenario: str, seat: str, opponent: str, seed: int = 1, **more: Any) -> Table:
    table = take_seat(load_scenario(scenario), seat, opponent, seed, **more)
    table.answer()
    return table


def press(table: Table, label: str) -> None:
    table.play(next(move for move, _, _ in table.moves() if move.label == label))
    table.answer()


def test_a_user_plays_to_the_end_and_hears_what_was_best() -> None:
    table = sat("quick_question", "user", "DA:standard")
    legal = [move.label for move, _, is_legal in table.moves() if is_legal]
    assert legal == ["VQ", "DQ"]
    assert len(table.moves()) == len(UserMove)  # the others are shown, and cannot be pressed
    press(table, "DQ")
    press(table, "ACCEPT")
    shown = screen(table)
    assert "The user accepted the answer." in shown
    review = table.review()
    assert review is not None
    assert f"W {review.value:.3f} at the start" in shown
    assert f"{review.cost:.3f} of expected W" in shown
    assert table.moves() == []
    u, l = table.sitting.conversation.returns  # noqa: E741  # U and L, as the model writes them
    assert f"{u:+.2f}" in shown
    assert f"{l:+.2f}" in shown


def test_what_is_illegal_changes_nothing_and_says_so() -> None:
    for in_words in (False, True):
        table = sat("quick_question", "user", "DA:standard", in_words=in_words)
        press(table, "ACCEPT")
        assert table.past == []
        assert "ACCEPT" in table.problem
        assert table.problem in draw_talk(table).replace("&#x27;", "'")


@pytest.mark.parametrize("in_words", [False, True])
def test_in_the_assistants_seat_nothing_on_the_page_depends_on_the_type(in_words: bool) -> None:
    types: list[dict[str, Any]] = [
        {},
        {"value": 97.0, "harm": 89.0, "conciseness": 3.0, "annoyance": -1.0, "effort_vague": 83.0},
        {"price_sensitivity": 997.0, "discount": 0.2, "persistence": 0, "budget": 10**12},
    ]
    seen = []
    for who in types:
        table = take_seat(load_scenario("quick_question"), "assistant", "VQ", 3, in_words=in_words)
        conversation = table.sitting.conversation
        conversation.who = conversation.who._replace(**who)
        table.answer()
        pages = [screen(table)]
        press(table, "CQ")
        assert not table.sitting.is_over
        pages.append(screen(table))
        seen.append(pages)
    assert seen[0] == seen[1] == seen[2]
    assert "hidden until the end" in seen[0][0]


def test_the_type_is_shown_when_it_is_over() -> None:
    table = sat("quick_question", "assistant", "default", 4)
    value = f"{table.sitting.conversation.who.value:g} points"
    while not table.sitting.is_over:
        assert value not in screen(table)
        press(table, "DA:standard")
    shown = screen(table)
    assert value in shown
    assert "busy_engineer" in shown
    assert "hidden" not in shown


def test_by_moves_and_in_words_it_is_the_same_conversation() -> None:
    ends = []
    for in_words in (False, True):
        table = sat("quick_question", "user", "DA:concise", 6, in_words=in_words)
        press(table, "VQ")
        press(table, "FOLLOW_UP")
        press(table, "ACCEPT")
        ends.append((table.sitting.conversation.returns, [one.move for one in table.past]))
    assert ends[0] == ends[1]


def test_it_is_the_conversation_of_its_seed() -> None:
    dealer = Dealer("quick_question")
    dealer.seed(8)
    mine = Sitting(dealer.open(0), SEATS["user"], lambda view, u: AssistantMove.DA_CONCISE)
    mine.move(UserMove.VQ)
    mine.answer()
    table = sat("quick_question", "user", "DA:concise", 8)
    press(table, "VQ")
    assert table.sitting.conversation.returns == mine.conversation.returns


def test_a_model_talks_and_one_that_fails_is_a_fault_without_a_score() -> None:
    with FaultServer(lambda messages: "<b>It is Nice.</b>") as server:
        fine = take_seat(load_scenario("help_desk"), "user", f"openai:{server.base_url}#ok", 3)
        fine.say("Where is that town?")
        fine.answer()
        assert "&lt;b&gt;It is Nice.&lt;/b&gt;" in draw_talk(fine)
        assert fine.review() is None
        failed = take_seat(
            load_scenario("help_desk"), "user", f"openai:{server.base_url}#forbidden", 3
        )
        failed.say("Where is that town?")
        failed.answer()
    shown = screen(failed)
    assert failed.sitting.is_over
    assert "The other seat failed" in shown
    assert "status 401" in shown
    assert "joint W" not in shown
    assert shown.count(">none<") == 2  # neither welfare
    fine.close()
    failed.close()


@pytest.mark.parametrize(
    ("opponent", "said"),
    [
        ("clarify_onse", "Did you mean 'clarify_once'"),
        ("openai:nowhere", "a model is openai:http://HOST:PORT/v1#MODEL"),
        ("", "got ''"),
    ],
)
def test_an_opponent_that_does_not_exist_is_refused_with_advice(opponent: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(said)):
        take_seat(load_scenario("quick_question"), "user", opponent, 1)


def test_who_sat_across_from_the_other_seat_makes_room_for_the_default() -> None:
    assert across("assistant", "DA:standard") == "default"
    assert across("user", "patient") == "DA:standard"
    assert across("user", "oracle") == "oracle"
    assert across("assistant", "nobody") == "nobody"  # and is refused


def test_blank_words_say_nothing() -> None:
    table = sat("quick_question", "user", "DA:concise", in_words=True)
    table.say("   ")
    assert table.past == []
    assert table.problem == "say something first"


def test_all_opponents_that_are_offered_can_sit_there() -> None:
    for seat in SEATS:
        assert len(opponents(seat)) >= 5
        for name in opponents(seat):
            if "@" not in name:
                take_seat(load_scenario("quick_question"), seat, name, 1).close()


def test_what_a_user_wants_is_said_with_one_point_and_several_points() -> None:
    who = take_seat(load_scenario("upsell"), "user", "DA:standard", 1).sitting.conversation.who
    for tolerance, said in ((0, "asked back"), (1, "after the first"), (2, "after the first 2")):
        lines = type_lines(who._replace(harm=1.0, annoyance=1.0, tolerance=tolerance))
        assert "a wrong one, accepted, costs 1 point" in lines
        assert f"every question {said} costs 1 point" in lines
    assert "you like being asked back: 1 point each" in preferences(who._replace(annoyance=-1.0))


def test_a_refused_seed_is_said_and_a_seat_that_ended_tells_its_seed() -> None:
    table = take_seat(load_scenario("upsell"), "user", "DA:standard", 12)
    table.play(UserMove.VQ)
    table.answer()
    table.play(UserMove.ACCEPT)
    assert "Seed 12" in draw_end(table, table.review())
