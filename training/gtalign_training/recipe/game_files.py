"""The files of a recipe's game: found by their names once, kept in the run folder, read from there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gtalign_env.core.spec import GameSpec
from gtalign_env.errors import RunError, ScenarioError
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.fields import authored
from gtalign_env.scenario.loader import (
    Scenario,
    load_pricing,
    load_scenario,
    load_tasks,
    parse_pricing,
    parse_scenario,
    parse_tasks,
)
from gtalign_env.scenario.schema import PricingFile
from gtalign_env.scenario.tasks import TaskSet

if TYPE_CHECKING:
    from gtalign_training.recipe import GameModel

SCHEMA = "gtalign/training-game/1"


class GameFiles(NamedTuple):
    """A game to train on, complete in itself.

    Attributes:
        scenario: What is played.
        pricing: The regimes that it is played under.
        tasks: What is asked, in words.
    """

    scenario: Scenario
    pricing: tuple[PricingFile, ...]
    tasks: TaskSet

    @property
    def scenarios(self) -> list[Scenario]:
        """The scenario under each of the regimes."""
        return [self.scenario.with_pricing(one) for one in self.pricing]

    @property
    def specs(self) -> list[GameSpec]:
        """The same as numbers."""
        return [compile_scenario(one) for one in self.scenarios]

    def to_data(self) -> dict[str, Any]:
        """Return it as plain data, from which `from_data` makes an equal one without the library."""
        return {
            "schema": SCHEMA,
            "scenario": self.scenario.to_data(),
            "pricing": [authored(one) for one in self.pricing],
            "tasks": authored(self.tasks),
        }

    @classmethod
    def from_data(cls, data: Any, source: str) -> GameFiles:
        """Return what `to_data` has written.

        Args:
            data: The plain data.
            source: How messages call it.

        Raises:
            RunError: It is none of that, or damaged.
        """
        try:
            return cls(
                parse_scenario(data["scenario"], source=source),
                tuple(parse_pricing(one, source=source) for one in data["pricing"]),
                parse_tasks(data["tasks"], source=source),
            )
        except (KeyError, TypeError, AttributeError, ScenarioError) as error:
            raise RunError(f"{source} holds no game that can be read: {error}") from error

    def differences(self, other: GameFiles) -> list[str]:
        """Return what is not the same in another game: by hashes, so descriptions do not count.

        Args:
            other: The other game.
        """
        return [
            what
            for what, same in (
                (
                    "scenario or pricing",
                    [one.digest for one in self.scenarios]
                    == [one.digest for one in other.scenarios],
                ),
                ("tasks", self.tasks.questions == other.tasks.questions),
            )
            if not same
        ]


def load_game_files(game: GameModel, path: Iterable[str | Path] = ()) -> GameFiles:
    """Return the files that a recipe names.

    Args:
        game: The names.
        path: Folders to search before GTALIGN_PATH and the bundled library.

    Raises:
        ScenarioError: One is unknown or invalid.
    """
    folders = tuple(path)
    return GameFiles(
        load_scenario(game.scenario, path=folders),
        tuple(load_pricing(name, path=folders) for name in game.pricing),
        load_tasks(game.tasks, path=folders),
    )
