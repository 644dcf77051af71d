"""Which plans cooperate, as a command line names them."""

from __future__ import annotations

from gtalign_env.errors import ScenarioError, SolverError, suggest
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.repeated import Cooperation, cooperation_of


def read_cooperation(
    game: NormalFormGame, cooperate: str | None, defect: str | None
) -> Cooperation:
    """Return which plans cooperate and defect: as named, or as the game's own dilemma says.

    Args:
        game: The game.
        cooperate: Both seats' plans, user first, as ``DQ,DA:concise``; None to read off the game.
        defect: The same of the plans that defect.

    Raises:
        ScenarioError: Only one of the two is given, or a plan is unknown.
        SolverError: Neither is given, and the game does not say.
    """
    if cooperate is None and defect is None:
        return cooperation_of(game)
    if cooperate is None or defect is None:
        raise ScenarioError("name both --cooperate and --defect, or neither")
    (c, cc), (d, dd) = _cell(game, cooperate), _cell(game, defect)
    if c == d or cc == dd:
        raise ScenarioError(
            f"each seat needs one plan that cooperates and another that defects; got {cooperate} "
            f"and {defect}"
        )
    return Cooperation((c, d), (cc, dd))


def cooperation_or_none(game: NormalFormGame) -> Cooperation | None:
    """Return which plans cooperate, or None where the game does not say.

    Args:
        game: The game.
    """
    try:
        return cooperation_of(game)
    except SolverError:
        return None


def cooperation_words(game: NormalFormGame, cooperation: Cooperation) -> str:
    """Return a sentence that says which plans cooperate.

    Args:
        game: The game.
        cooperation: Which plans cooperate.
    """
    (c, d), (cc, dd) = cooperation.user, cooperation.assistant
    users, assistants = game.user_plans, game.assistant_plans
    return (
        f"cooperate: {users[c]} x {assistants[cc]}, defect: {users[d]} x {assistants[dd]} "
        f"({cooperation.source})"
    )


def cooperation_data(game: NormalFormGame, cooperation: Cooperation) -> dict[str, object]:
    """Return the same as plain JSON types; plans are named, user first.

    Args:
        game: The game.
        cooperation: Which plans cooperate.
    """
    (c, d), (cc, dd) = cooperation.user, cooperation.assistant
    return {
        "cooperate": [game.user_plans[c], game.assistant_plans[cc]],
        "defect": [game.user_plans[d], game.assistant_plans[dd]],
        "source": cooperation.source,
    }


def _cell(game: NormalFormGame, text: str) -> tuple[int, int]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2:
        raise ScenarioError(
            f"two plans are named as user,assistant, such as "
            f"{game.user_plans[0]},{game.assistant_plans[0]}; got {text!r}"
        )
    return _plan(parts[0], game.user_plans), _plan(parts[1], game.assistant_plans)


def _plan(name: str, plans: tuple[str, ...]) -> int:
    if name not in plans:
        raise ScenarioError(
            f"a plan is one of {', '.join(plans)}; got {name!r}.{suggest(name, plans)}"
        )
    return plans.index(name)
