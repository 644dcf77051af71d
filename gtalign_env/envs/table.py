"""From the arguments of an environment to the games it plays."""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws, Purpose, Seat, stream_key
from gtalign_env.envs.observe import regime_entries
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import Scenario, load_pricing, load_scenario
from gtalign_env.scenario.schema import PricingFile

ScenarioLike = str | Scenario | GameSpec
PricingLike = str | PricingFile | Sequence[str | PricingFile] | None


COMPILE_AFTER = 20_000
"""Steps after which a run counts as long: about a second, as much as loading the compiler takes."""


class Table:
    """The games that an environment's episodes are played on, and the draws of each episode.

    Args:
        scenario: Name or path of a scenario, a loaded one, or a compiled game.
        pricing: Name or path of a regime to play under instead of the scenario's own, or a loaded
            one, or several: each episode then plays one of them, drawn evenly. Not for a compiled
            game.

    Attributes:
        specs: The games, one per regime.
        keyed_by: What all draws depend on beside the seed, in place of each game's own hash; None
            for that. Games that differ, such as in their price, then share their luck.
    """

    keyed_by: str | None = None

    def __init__(self, scenario: ScenarioLike, pricing: PricingLike = None) -> None:
        self._starts: list[int] | None = None  # first conversation of each regime of a schedule
        if isinstance(scenario, GameSpec):
            if pricing is not None:
                raise ValueError("a compiled game has its regime already; leave out pricing")
            self.specs: tuple[GameSpec, ...] = (scenario,)
        else:
            loaded = load_scenario(scenario) if isinstance(scenario, str) else scenario
            if pricing is None:
                self._starts = [start for start, _ in loaded.schedule]
                self.specs = tuple(compile_scenario(loaded, start) for start in self._starts)
            else:
                regimes = (pricing,) if isinstance(pricing, str | PricingFile) else tuple(pricing)
                if not regimes:
                    raise ValueError("pricing names at least one regime, or is None; got none")
                self.specs = tuple(
                    compile_scenario(
                        loaded.with_pricing(load_pricing(one) if isinstance(one, str) else one)
                    )
                    for one in regimes
                )
        self._surged: dict[tuple[int, tuple[bool, ...]], GameSpec] = {}
        self._prices: dict[tuple[str, int, int], tuple[float, ...]] = {}
        self._seed = 0

    def seed(self, seed: int) -> None:
        """Fix all draws of the episodes to come."""
        self._seed = seed

    @property
    def seed_in_force(self) -> int:
        """What fixes the draws."""
        return self._seed

    def index(self, episode: int) -> int:
        """Return which of `specs` an episode plays: by the schedule, or drawn evenly."""
        if len(self.specs) == 1:
            return 0
        if self._starts is not None:
            return bisect_right(self._starts, episode) - 1
        key = stream_key(self.keyed_by or self.specs[0].digest, self._seed)
        u = Draws(key, episode).uniform(0, Seat.WORLD, Purpose.POLICY)
        return int(u * len(self.specs))

    def spec(self, episode: int) -> GameSpec:
        """Return the game of an episode; the episode is the conversation that a surge counts."""
        index = self.index(episode)
        spec = self.specs[index]
        surges = spec.regime.surges
        if not surges:
            return spec
        key = (index, tuple(surge.applies(episode) for surge in surges))
        if key not in self._surged:
            self._surged[key] = spec.at(episode)
        return self._surged[key]

    def draws(self, spec: GameSpec, episode: int) -> Draws:
        """Return the random numbers of an episode."""
        return Draws(stream_key(self.keyed_by or spec.digest, self._seed), episode)

    def open(self, episode: int) -> Conversation:
        """Return the conversation of an episode.

        Args:
            episode: Index of the episode since the seed was set.
        """
        spec = self.spec(episode)
        return Conversation(spec, self.draws(spec, episode))

    def price(self, spec: GameSpec) -> tuple[float, ...]:
        """Return the entries of an observation that describe a game's regime."""
        tariff = spec.regime.tariff
        key = (spec.digest, tariff.numerator, tariff.denominator)
        if key not in self._prices:
            self._prices[key] = regime_entries(spec.regime)
        return self._prices[key]


def episode_of(options: dict[str, Any] | None, following: int) -> int:
    """Return the index of the episode that a reset begins.

    Args:
        options: The options of the reset.
        following: The next episode, begun where the options name none.

    Raises:
        ValueError: The options name an episode that is no whole number ≥ 0.
    """
    if not options:
        return following
    episode = options.get("episode", following)
    try:
        index = operator.index(episode)
    except TypeError:
        index = -1
    if index < 0:
        raise ValueError(f"an episode is a whole number, from 0; got {episode!r}")
    return index


def ending_info(conversation: Conversation, own_return: float) -> dict[str, Any]:
    """Return what the end of an episode adds to a seat's info: nothing of the other seat's."""
    ending = conversation.state.ending
    if ending is None:
        return {}
    return {"ending": ending.name.lower(), "return": own_return}
