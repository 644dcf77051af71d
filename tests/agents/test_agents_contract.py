"""One contract for every row of the table of agents: its acts are legal, its traits are true.

After Axelrod's `TestPlayer`: what a row declares is tested from both sides, so that neither a
hidden dependence nor an idle claim passes.
"""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gtalign_agents.base import Agent
from gtalign_agents.table import AGENTS, assistant_agent, collect, find_agent, seated, user_agent
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import ASSISTANT_LABELS, AssistantMove, UserMove
from gtalign_env.core.policies import (
    ASSISTANT_POLICIES,
    USER_POLICIES,
    assistant_policy,
    user_policy,
)
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView, UserView
from gtalign_env.draws import Draws, Purpose, Seat, stream_key
from gtalign_env.errors import ScenarioError

SOLVERS = ("oracle", "selfish_oracle", "best_response")
"""Rows that solve the game first; they play short games of few types, all games in a slow test."""

ROWS = [
    pytest.param(row, seat, id=f"{row.name}-{seat}")
    for seat in ("user", "assistant")
    for row in seated(seat)
]
View = UserView | AssistantView


class Act(NamedTuple):
    """What an agent was shown and what it did."""

    view: View
    u: float
    move: int


class Untouchable:
    """Something that must not be looked at: any use of it raises."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"looked at {name}")


def episode(spec: GameSpec, number: int) -> Conversation:
    return Conversation(spec, Draws(stream_key(spec.digest, 5), number))


def acts(policy: Any, seat: str, spec: GameSpec, number: int) -> Iterator[Act]:
    """Play an episode against any legal move and yield what the policy did."""
    talk = episode(spec, number)
    mine = Seat.USER if seat == "user" else Seat.ASSISTANT
    other: Any = AGENTS["random"].make()
    while talk.state.ending is None:
        user = talk.state.to_move is Seat.USER
        view: View = talk.user_view() if user else talk.assistant_view()
        u = talk.chance(talk.state.to_move, Purpose.POLICY)
        move: Any = (policy if talk.state.to_move is mine else other)(view, u)
        if talk.state.to_move is mine:
            yield Act(view, u, move)
        if user:
            talk.step_user(move)
        else:
            talk.step_assistant(move)


@cache
def made(row: Agent) -> Any:
    """Return one policy of a row, which need not solve a game again."""
    return row.make()


@cache
def sample(row: Agent, seat: str, specs: tuple[GameSpec, ...]) -> list[Act]:
    """Return what a row does in some episodes of every game, and at histories of random play."""
    policy, wanderer = made(row), AGENTS["random"].make()
    own = [act for spec in specs for number in range(6) for act in acts(policy, seat, spec, number)]
    met = [
        act for spec in specs for number in range(9) for act in acts(wanderer, seat, spec, number)
    ]
    return own + [Act(act.view, act.u, policy(act.view, act.u)) for act in met]


@pytest.fixture
def games(
    row: Agent, bundled: tuple[GameSpec, ...], short: tuple[GameSpec, ...]
) -> tuple[GameSpec, ...]:
    return short if row.name in SOLVERS else bundled


@pytest.mark.parametrize(("row", "seat"), ROWS)
def test_it_acts_legally_on_every_bundled_scenario(
    row: Agent, seat: str, games: tuple[GameSpec, ...]
) -> None:
    seen = sample(row, seat, games)
    for act in seen:
        if isinstance(act.view, UserView):
            assert isinstance(act.move, UserMove)
            assert act.move in legal_user_moves(act.view.state)
        else:
            assert isinstance(act.move, AssistantMove)
    names = {
        (act.view.public if isinstance(act.view, UserView) else act.view).spec.name for act in seen
    }
    assert names == {spec.name for spec in games}


@pytest.mark.parametrize(("row", "seat"), ROWS)
def test_same_view_and_draw_same_act(row: Agent, seat: str, games: tuple[GameSpec, ...]) -> None:
    """In any order, by a fresh one and by one that travelled: nothing is remembered."""
    seen = sample(row, seat, games)
    travelled = pickle.loads(pickle.dumps(row.make()))  # noqa: S301  # our own bytes
    assert [travelled(act.view, act.u) for act in reversed(seen)] == [
        act.move for act in reversed(seen)
    ]


@pytest.mark.parametrize(("row", "seat"), ROWS)
def test_stochastic_is_true(row: Agent, seat: str, games: tuple[GameSpec, ...]) -> None:
    seen = sample(row, seat, games)
    policy = made(row)
    if row.traits.stochastic:
        assert any(policy(act.view, 0.01) != policy(act.view, 0.99) for act in seen)
        return
    for act in seen:
        assert policy(act.view, Untouchable()) == act.move


@pytest.mark.parametrize(("row", "seat"), ROWS)
def test_sees_type_is_true(row: Agent, seat: str, games: tuple[GameSpec, ...]) -> None:
    seen = sample(row, seat, games)
    policy = made(row)
    if seat == "assistant":
        assert row.seat == "either" or not row.traits.sees_type
        # the type is no part of the view: nothing hangs below it by which it could be reached
        assert all(type(act.view) is AssistantView for act in seen)
        return
    users = [act for act in seen if isinstance(act.view, UserView)]
    if row.traits.sees_type:
        others = [
            act.view._replace(who=act.view.who._replace(persistence=tries, budget=budget))
            for act in users
            if isinstance(act.view, UserView)
            for tries in (0, 9)
            for budget in (act.view.state.charged + 1, 10**15)
        ]
        moves = [policy(view, 0.3) for view in others]
        assert any(len(set(moves[i : i + 4])) > 1 for i in range(0, len(moves), 4))
        return
    for act in users:
        assert isinstance(act.view, UserView)
        hidden: Any = Untouchable()
        assert policy(act.view._replace(who=hidden), act.u) == act.move


@pytest.mark.parametrize(("row", "seat"), ROWS)
def test_its_memory_is_no_longer_than_it_says(
    row: Agent, seat: str, games: tuple[GameSpec, ...]
) -> None:
    policy, memory = made(row), row.traits.memory
    if memory is None:
        return
    changed = 0
    for act in sample(row, seat, games):
        view = forgotten(act.view, memory)
        changed += view != act.view
        assert policy(view, act.u) == act.move
    assert changed


def forgotten(view: View, memory: int) -> View:
    """Return a view in which all but the latest moves are others than they were."""
    if isinstance(view, UserView):
        assert memory >= 1, "a user's state holds the last move of either seat"
        public = forgotten(view.public, memory)
        assert isinstance(public, AssistantView)
        return view._replace(public=public)
    known = view.history
    kept = max(0, len(known.user_moves) - memory), max(0, len(known.assistant_moves) - memory)
    users = tuple(
        UserMove((move + 1) % len(UserMove)) if i < kept[0] else move
        for i, move in enumerate(known.user_moves)
    )
    assistants = tuple(
        AssistantMove((move + 1) % len(AssistantMove)) if i < kept[1] else move
        for i, move in enumerate(known.assistant_moves)
    )
    return view._replace(history=known._replace(user_moves=users, assistant_moves=assistants))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "seat"),
    [
        (row, seat)
        for row in map(AGENTS.__getitem__, SOLVERS)
        for seat in ("user", "assistant")
        if row.sits(seat)
    ],
)
def test_solvers_play_the_bundled_scenarios_at_full_length(
    row: Agent, seat: str, bundled: tuple[GameSpec, ...]
) -> None:
    solvable = tuple(replace(spec, max_exchanges=min(spec.max_exchanges, 5)) for spec in bundled)
    test_it_acts_legally_on_every_bundled_scenario(row, seat, solvable)


def test_no_scripted_agent_loads_a_model_library() -> None:
    code = (
        "import sys\n"
        "from gtalign_agents.table import AGENTS\n"
        "[row.make() for row in AGENTS.values() if row.name != 'axelrod']\n"
        "print(sorted({'torch', 'transformers', 'stable_baselines3', 'axelrod'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_every_policy_that_an_environment_can_name_is_a_row_and_plays_alike(
    bundled: tuple[GameSpec, ...],
) -> None:
    spec = next(spec for spec in bundled if spec.name == "quick_question")
    for name in USER_POLICIES:
        ours = [act.move for i in range(20) for act in acts(user_agent(name), "user", spec, i)]
        core = [act.move for i in range(20) for act in acts(user_policy(name), "user", spec, i)]
        assert ours == core
    for name in ASSISTANT_POLICIES:
        mine, theirs = assistant_agent(name), assistant_policy(name)
        ours = [act.move for i in range(20) for act in acts(mine, "assistant", spec, i)]
        core = [act.move for i in range(20) for act in acts(theirs, "assistant", spec, i)]
        assert ours == core


def test_names_and_descriptions_can_be_printed_in_a_table() -> None:
    descriptions = [row.description for row in AGENTS.values()]
    assert len(set(descriptions)) == len(descriptions)
    for name, row in AGENTS.items():
        assert name == row.name
        assert name in ASSISTANT_LABELS or re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
        assert 0 < len(row.description) <= 100
        assert row.description.endswith(".")
        assert row.description[0].isupper()


def test_two_rows_of_one_name_are_refused() -> None:
    row = AGENTS["patient"]
    with pytest.raises(ValueError, match="'patient' is repeated"):
        collect([row, row])


@pytest.mark.parametrize(
    ("name", "seat", "message"),
    [
        ("patiant", "user", r"the user is one of default, VQ, .*got 'patiant'. Did you mean 'pati"),
        ("patient", "assistant", r"the assistant is one of random, DA:concise, .*got 'patient'"),
        ("patient@3", "user", r"'patient' takes nothing after its name; got 'patient@3'"),
        ("default@", "user", r"after default@ comes the share of vague openings.*; got nothing"),
    ],
)
def test_wrong_names_are_answered_with_the_right_ones(name: str, seat: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        find_agent(name, seat)


@pytest.mark.parametrize("name", ["default@1.5", "default@-0.1", "default@nan", "default@often"])
def test_a_share_is_a_probability(name: str) -> None:
    with pytest.raises(ScenarioError, match=r"is a probability, in \[0, 1\]; got '"):
        user_agent(name)
    with pytest.raises(ScenarioError, match=r"is a probability, in \[0, 1\]; got '"):
        assistant_agent(name.replace("default", "oracle"))


def test_the_page_tells_of_every_row_in_the_words_of_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")
    plans = {move.label for move in AssistantMove}
    for row in (*seated("user"), *seated("assistant")):
        assert f"`{row.name}`" in page
        assert row.name in plans or row.description in page
