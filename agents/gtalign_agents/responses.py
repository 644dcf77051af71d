"""Agents that solve the game before they play it: best responses to an opponent they know by name.

Each solves a game once, when first asked, and again in every process that it travels to.
"""

from __future__ import annotations

from collections.abc import Callable

from gtalign_agents.base import CONVERSATION, Agent, Traits
from gtalign_env.core.best_response import (
    AssistantResponse,
    UserPlace,
    UserResponse,
    best_assistant_response,
    best_user_response,
)
from gtalign_env.core.mixed import assistant_mix, user_mix
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.plans import default_user
from gtalign_env.core.policies import OFF_PATH, AssistantSeat, UserSeat
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView, InformationSet, UserView


class BestUser:
    """The user that gets most against an assistant that it knows, type by type.

    Where the assistant does what that one never does, it goes on as the default user.

    Args:
        assistant: The assistant's policy.
        stochastic: Whether that draws.
    """

    def __init__(self, assistant: AssistantSeat, *, stochastic: bool) -> None:
        self.assistant = assistant
        self.stochastic = stochastic
        self._solved: dict[str, UserResponse] = {}

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_solved": {}}  # solutions hold functions, which do not travel

    def __call__(self, view: UserView, u: float) -> UserMove:
        """Return the best move; no randomness."""
        response = self.response(view.public.spec)
        place = UserPlace(view.public.history, view.state.right)
        if view.state.exchange < 0 or place in response.decisions(view.who):
            return response(view)
        return default_user(view.who, view.state, view.public.spec.max_exchanges)

    def response(self, spec: GameSpec) -> UserResponse:
        """Return the solution of a game."""
        if spec.digest not in self._solved:
            mix = assistant_mix(self.assistant, stochastic=self.stochastic)
            self._solved[spec.digest] = best_user_response(spec, mix)
        return self._solved[spec.digest]


class SelfishOracle:
    """The assistant that gets most for itself from a user that it knows, type apart.

    Where the user does what that one never does, it plays as the Bayes oracle does there:
    `OFF_PATH`.

    Args:
        user: The user's policy.
        stochastic: Whether that draws.
    """

    def __init__(self, user: UserSeat, *, stochastic: bool) -> None:
        self.user = user
        self.stochastic = stochastic
        self._solved: dict[str, tuple[AssistantResponse, frozenset[InformationSet]]] = {}

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_solved": {}}

    def __call__(self, view: AssistantView, u: float) -> AssistantMove:
        """Return the best move; no randomness."""
        if view.spec.digest not in self._solved:
            mix = user_mix(self.user, stochastic=self.stochastic)
            response = best_assistant_response(view.spec, mix)
            met = frozenset(known.history for known in response.decisions)
            self._solved[view.spec.digest] = (response, met)
        response, met = self._solved[view.spec.digest]
        return response(view) if view.history in met else OFF_PATH


def _traits(*, sees_type: bool) -> Traits:
    return Traits(
        stochastic=False,
        sees_type=sees_type,
        needs_model=False,
        memory=None,
        games=CONVERSATION,
    )


def responders(
    user: Callable[[str], UserSeat],
    assistant: Callable[[str], AssistantSeat],
    stochastic: Callable[[str, str], bool],
) -> tuple[Agent, ...]:
    """Return the rows of agents that answer another row.

    Args:
        user: Makes a user by name.
        assistant: Makes an assistant by name.
        stochastic: Whether the row of a name in a seat draws.
    """

    def best_user(name: str = "DA:standard") -> BestUser:
        return BestUser(assistant(name), stochastic=stochastic(name, "assistant"))

    def selfish(name: str = "default") -> SelfishOracle:
        return SelfishOracle(user(name), stochastic=stochastic(name, "user"))

    return (
        Agent(
            "best_response",
            "user",
            "The user's best response to an assistant that it knows, DA:standard by default.",
            _traits(sees_type=True),
            best_user,
            "the assistant that it knows",
        ),
        Agent(
            "selfish_oracle",
            "assistant",
            "Greatest expected own welfare from a user that it knows, by default the default one.",
            _traits(sees_type=False),
            selfish,
            "the user that it knows",
        ),
    )
