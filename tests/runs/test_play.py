"""`gtalign play`: a person in a seat, told what the seat may know, and the truth at the end."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from gtalign_agents.table import assistant_agent, user_agent
from gtalign_env.core.best_response import best_assistant_response
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.mixed import user_mix
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.draws import Seat
from gtalign_env.envs.table import Table
from gtalign_env.envs.transcript import read_transcripts
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario
from gtalign_training.cli import main
from gtalign_training.human.review import review_assistant, review_user
from gtalign_training.human.sitting import Sitting
from gtalign_training.human.terminal import AtTerminal, chosen

RUN = CliRunner()


def played(*arguments: str, said: str) -> Any:
    return RUN.invoke(main, ["play", *arguments], input=said)


def sit(
    scenario: str, seat: Seat, opponent: Any, lines: list[str], seed: int = 1, **who: Any
) -> Any:
    """Return a finished sitting, and what was shown before each line was asked for."""
    table = Table(scenario)
    table.seed(seed)
    conversation = table.open(0)
    conversation.who = conversation.who._replace(**who)
    screen = io.StringIO()
    shown: list[str] = []
    script: Iterator[str] = iter(lines)

    def ask(prompt: str) -> str:
        shown.append(screen.getvalue())
        try:
            return next(script)
        except StopIteration:
            raise EOFError from None

    sitting = Sitting(conversation, seat, opponent)
    AtTerminal(sitting, Console(file=screen, width=200), ask).play()
    return sitting, shown


def test_as_assistant_the_whole_conversation_and_the_optimum_are_shown() -> None:
    result = played("quick_question", "--as", "assistant", "--seed", "1", said="DA:c\n2\n")
    assert result.exit_code == 0
    assert result.stdout.count("U hidden") == 2
    before, _, after = result.stdout.partition("Accepted. Seed 1.")
    assert "User's U +2.739, assistant's L +1.656, joint W 2.130" in after
    assert "Billed 0.0076095 USD" in after
    assert "busy_engineer:" in after
    assert "a right answer, accepted, is worth 5 points" in after
    assert "is worth 5 points" not in before
    assert "You played as well as the optimum throughout." in after


def test_a_departure_is_named_with_its_turn_and_cost() -> None:
    options = ("quick_question", "--as", "assistant", "--seed", "1", "--opponent", "VQ")
    result = played(*options, said="CQ\nDA:verbose\nDA:standard\n")
    spec = compile_scenario(load_scenario("quick_question"))
    solved = best_assistant_response(spec, user_mix(user_agent("VQ"), stochastic=False), "joint")
    first = next(d for known, d in solved.decisions.items() if not known.history.assistant_moves)
    lost = first.values[first.move] - first.values[AssistantMove.CQ]
    assert lost > 0.05
    flat = " ".join(result.stdout.split())
    assert f"You departed from it on turn 1 (CQ in place of {first.move.label})" in flat
    assert f" 1 CQ {first.move.label} {lost:.3f}" in flat


def test_as_user_both_welfares_and_the_bill_grow() -> None:
    result = played(
        "quick_question", "--as", "user", "--opponent", "CQ", "--seed", "1", said="VQ\nreply\na\n"
    )
    assert result.exit_code == 0
    assert "hidden" not in result.stdout
    assert result.stdout.count("; billed 0.0") == 3
    assert "that is right" in result.stdout
    assert "The optimum against CQ expects W" in result.stdout


def test_costs_of_all_moves_add_up_to_what_the_play_is_worth_less() -> None:
    """Against a user without chance, in a game without chance, the review is exact arithmetic."""
    spec = replace(
        compile_scenario(load_scenario("quick_question")),
        p_correct=1.0,
        quality=(1.0, 1.0, 1.0),
        coverage=(3, 3, 3),
    )
    conversation = Table(spec).open(0)
    moves = [AssistantMove.CQ, AssistantMove.AQ_VERBOSE]
    script = iter(move.label for move in moves)
    user = user_agent("VQ")
    sitting = Sitting(conversation, Seat.ASSISTANT, user)
    assert AtTerminal(sitting, Console(file=io.StringIO()), lambda prompt: next(script)).play()
    review = review_assistant(spec, sitting.made, user, stochastic=False)
    realised = spec.welfare(*conversation.returns)
    assert review.value - review.cost == pytest.approx(realised, abs=1e-12)
    assert review.departure is not None
    assert review.departure.turn == 0
    assistant = assistant_agent("DA:concise")
    mine = Table(spec).open(0)
    answers = iter(["DQ", "FOLLOW_UP", "ACCEPT"])
    sitting = Sitting(mine, Seat.USER, assistant)
    assert AtTerminal(sitting, Console(file=io.StringIO()), lambda prompt: next(answers)).play()
    judged = review_user(spec, sitting.made, mine.who, assistant, stochastic=False)
    assert judged.value - judged.cost == pytest.approx(spec.welfare(*mine.returns), abs=1e-12)
    assert [one.best for one in judged.moves][1:] == [UserMove.ACCEPT, UserMove.ACCEPT]


def test_a_person_in_the_assistants_seat_sees_nothing_that_depends_on_the_type() -> None:
    """The same screen before every line, whoever the user is; also of what could be computed."""
    types: list[dict[str, Any]] = [
        {},
        {"value": 9.0, "harm": 7.0, "conciseness": 3.0, "annoyance": -1.0, "effort_vague": 4.0},
        {"price_sensitivity": 999.0, "effort_reply": 3.0, "discount": 0.2, "persistence": 0},
    ]
    lines = ["CQ", "AQ:verbose", "DA:concise", "DA:concise", "DA:concise"]
    screens = [
        sit("quick_question", Seat.ASSISTANT, user_agent("patient"), lines, **who)[1]
        for who in types
    ]
    assert len(screens[0]) >= 2
    assert screens[0] == screens[1] == screens[2]
    opened = sit("quick_question", Seat.USER, assistant_agent("CQ"), ["VQ", "LEAVE"])[1]
    assert "is worth 5 points" in opened[0]


def test_open_shows_the_type_from_the_start() -> None:
    result = played("quick_question", "--as", "assistant", "--seed", "1", "--open", said="CQ\n")
    assert "is worth 5 points" in result.stdout.partition("your move>")[0]
    assert "hidden" not in result.stdout


@pytest.mark.parametrize("said", ["", "DQ\n", "DQ\nFOLLOW_UP\n"])
def test_the_end_of_input_leaves_the_table(said: str) -> None:
    result = played("quick_question", "--as", "user", "--seed", "2", said=said)
    assert result.exit_code == 0
    assert "You leave the table; the conversation stays unfinished." in result.stdout
    assert "joint W" not in result.stdout
    assert ("the optimum" in result.stdout) is bool(said)


def test_an_interruption_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(prompt: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("gtalign_training.commands.play.reader", lambda console: interrupted)
    result = played("quick_question", "--as", "user", said="")
    assert result.exit_code == 130
    assert "Traceback" not in result.stderr


def test_what_is_no_move_is_asked_for_again() -> None:
    said = "\n9\nACCEPT\nwat\x1b[2J[bold]\nD\nleave\n"
    result = played("quick_question", "--as", "user", "--seed", "1", said=said)
    assert result.exit_code == 0
    assert result.stdout.count("that is none of your moves: a number, or one of VQ, DQ") == 3
    assert "\x1b" not in result.stdout
    assert "\\x1b[2J[bold]" in result.stdout
    assert "\nLeft. Seed 1." in result.stdout


def test_in_words_moves_are_read_off_and_nothing_reaches_the_terminal_raw(tmp_path: Path) -> None:
    file = tmp_path / "talks.jsonl"
    said = "Which one do you mean?\nIt is \x1b[31m[bold]Bob[/b].\n" + "I do not know.\n" * 3
    options = ["quick_question", "--words", "--seed", "3", "--opponent", "patient"]
    result = played(*options, "--out", str(file), said=said)
    assert result.exit_code == 0
    assert "assistant  CQ  Which one do you mean?" in result.stdout
    assert "\x1b" not in result.stdout
    assert "\\x1b[31m[bold]Bob[/b]" in result.stdout
    (record,) = read_transcripts(file)
    assert record.seed == 3
    assert record.turns[1].text == "Which one do you mean?"
    played(*options, "--out", str(file), said=said)
    first, second = read_transcripts(file)
    assert first == second


def test_as_user_in_words_the_brief_is_told() -> None:
    result = played(
        "help_desk", "--as", "user", "--words", "--seed", "3", said="Where is Cambridge?\nThanks.\n"
    )
    assert "You want to know: Where is the Grand River town of Cambridge?" in result.stdout
    assert "user  VQ  Where is Cambridge?" in result.stdout


def test_where_nothing_can_be_solved_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtalign_env.core.oracle.MOST_EXCHANGES", 1)
    result = played("quick_question", "--as", "assistant", "--seed", "1", said="CQ\n")
    assert result.exit_code == 0
    assert "No optimum to compare with: the Bayes oracle solves conversations of at most 1" in (
        " ".join(result.stdout.split())
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quick_question", "--as", "usr"], "Did you mean 'user'?"),
        (["quick_question", "--opponent", "CQ"], "the user is one of default"),
        (["quick_question", "--as", "user", "--opponent", "oracel"], "Did you mean 'oracle'?"),
        (["quick_qestion"], "Did you mean 'quick_question'"),
    ],
)
def test_wrong_names_are_one_message(arguments: list[str], message: str) -> None:
    result = played(*arguments, said="")
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("1", AssistantMove.DA_CONCISE),
        (" cq ", AssistantMove.CQ),
        ("aq:v", AssistantMove.AQ_VERBOSE),
        ("DA", None),
        ("", None),
        ("0", None),
        ("8", None),
        ("²", None),
        ("-1", None),
    ],
)
def test_moves_are_named_by_number_label_or_beginning(
    given: str, found: AssistantMove | None
) -> None:
    assert chosen(given, list(AssistantMove)) is found


def test_the_conversation_is_the_one_of_the_seed() -> None:
    sitting, _ = sit("quick_question", Seat.USER, assistant_agent("CQ"), ["VQ", "LEAVE"], seed=9)
    table = Table("quick_question")
    table.seed(9)
    twin: Conversation = table.open(0)
    twin.step_user(UserMove.VQ)
    twin.step_assistant(AssistantMove.CQ)
    twin.step_user(UserMove.LEAVE)
    assert twin.returns == sitting.conversation.returns
