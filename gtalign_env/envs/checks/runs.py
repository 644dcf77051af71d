"""The rules that hold between runs: seeds, instances, what was given away, the end."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from gtalign_env.envs.checks.drivers import BrokenInterfaceError, Driver, Frame, drive
from gtalign_env.envs.checks.hooks import Hooks
from gtalign_env.envs.checks.play import (
    STYLES,
    Acts,
    Episode,
    Player,
    Replay,
    Stopped,
    mask_of,
    play,
    replay,
    walk,
)
from gtalign_env.envs.checks.process import hash_of, pack, play_elsewhere
from gtalign_env.envs.checks.rules import Findings
from gtalign_env.envs.checks.steps import StepRules
from gtalign_env.envs.checks.values import difference, spoil


class Runs:
    """An environment under test, and its recorded run.

    Args:
        make_env: Makes a fresh one.
        hooks: What its author tells.
        findings: Where broken rules go.
        seed: Of the first episode; the next ones count on.
        episodes: How many to record.
        max_steps: Most steps of one.

    Attributes:
        recorded: The episodes.
    """

    def __init__(
        self,
        make_env: Callable[[], Any],
        hooks: Hooks,
        findings: Findings,
        seed: int,
        episodes: int,
        max_steps: int,
    ) -> None:
        self.make_env = make_env
        self.hooks = hooks
        self.findings = findings
        self.seed = seed
        self.episodes = episodes
        self.max_steps = max_steps
        self.recorded: list[Episode] = []

    def driver(self) -> Driver:
        """Return the driver of a fresh environment."""
        return drive(self.make_env())

    @cached_property
    def spare(self) -> Driver:
        """An environment for whatever begins with a reset and leaves no harm behind."""
        return self.driver()

    def player(self, index: int) -> Player:
        """Return who plays the episode of this index."""
        return Player(self.seed + index, STYLES[min(index, len(STYLES) - 1)], self.hooks.act)

    def record(self, at_end: Callable[[Driver, Episode, str], None]) -> bool:
        """Record the run, step by step under the rules of steps.

        Args:
            at_end: Called after every episode.

        Returns:
            Whether the other rules can be tested: nothing raised, every episode ended.
        """
        driver = self.driver()
        masked: set[str] | None = None
        for index in range(self.episodes):
            rules = StepRules(driver, self.hooks, self.findings, masked)
            episode = Episode(None, [], [], [])
            try:
                for episode in walk(driver, self.seed + index, self.player(index), self.max_steps):
                    acts = episode.acts[-1] if episode.acts else None
                    rules.frame(acts, episode.given[-1], _place(index, len(episode.acts)))
                    if not set(episode.given[-1].movers) <= set(driver.possible):
                        return False  # nobody can act for a stranger
            except Stopped as stop:
                where = _place(index, len(stop.episode.acts) + (stop.acts is not None))
                self.findings.check(self._blame(driver, stop), False, where, _of(stop))
                return False
            masked = rules.masked
            last = _place(index, len(episode.acts))
            self.findings.check("ends", episode.ended, last, f"not over in {self.max_steps} steps")
            if not episode.ended:
                return False
            later = difference(
                [(f.observations, f.infos) for f in episode.frames],
                [(f.observations, f.infos) for f in episode.given],
            )
            self.findings.check("alias-steps", later is None, f"episode {index}", later or "")
            at_end(driver, episode, last)
            self.recorded.append(episode)
        for rule in ("raises", "returns", "mask-obeyed") if masked else ("raises", "returns"):
            self.findings.check(rule, True, "")
        return True

    def _blame(self, driver: Driver, stop: Stopped) -> str:
        """Return the rule that an exception in play breaks."""
        if stop.acts is None or isinstance(stop.error, BrokenInterfaceError):
            return "returns"
        frame = stop.episode.frames[-1]
        spaces = {agent: driver.action_space(agent) for agent in stop.acts}
        masked = any(mask_of(frame, agent, space) is not None for agent, space in spaces.items())
        return "mask-obeyed" if masked else "raises"

    def same(self, rule: str, where: str, expected: Episode, again: Callable[[], Episode]) -> bool:
        """Check that an episode comes out as recorded, and return whether it does.

        Args:
            rule: The rule that says so.
            where: For the message.
            expected: What was recorded.
            again: Plays it.
        """
        try:
            wrong = difference(expected.frames, again().frames)
        except Exception as error:  # it did not raise when it was recorded
            wrong = _of(error)
        return self.findings.check(rule, wrong is None, where, wrong or "")

    def repeats(self) -> bool:
        """Check that the same seed gives the same episodes.

        Returns:
            Whether runs can be compared at all: False where not even fresh environments, one after
            the other, agree among themselves. What differs for another reason, such as a state
            that outlives an episode, is for the rules on that.
        """
        twin = self.driver()
        agree = True
        for index, episode in enumerate(self.recorded):
            where = f"episode {index}, second instance"
            agree &= self.same("seed-repeat", where, episode, lambda e=episode: replay(twin, e))  # type: ignore[misc]  # a lambda's default
        return agree or all(len(self._alone(episode)) == 1 for episode in self.recorded)

    def _alone(self, episode: Episode) -> set[str]:
        """Return what becomes of an episode on fresh environments, one after the other."""
        came = set()
        for _ in range(3):
            try:
                came.add(hash_of(replay(self.driver(), episode)))
            except Stopped as stop:
                came.add(_of(stop))
        return came

    def seeds(self, chance: bool) -> None:
        """Check what seeds do beyond that, and resets."""
        twin = self.driver()
        for episode in self.recorded:
            with suppress(Stopped):  # another rule says so
                replay(twin, episode)
        first = self.recorded[0]
        self.same("reset-clean", "episode 0 after the others", first, lambda: replay(twin, first))

        for index, episode in enumerate(self.recorded):
            where = f"episode {index}, reset twice"
            self.same("reset-twice", where, episode, lambda e=episode: _twice(twin, e))  # type: ignore[misc]  # likewise

        if twin.kind == "gymnasium":
            self._seeds_follow()
        if chance:
            hashes = {tuple(self._under(twin, self.seed + 1000 * other)) for other in range(1, 5)}
            message = (
                "4 seeds under the same choices gave the same episodes. If nothing is left to "
                'chance by design, say chance=False (--no-chance), or metadata["chance"] = False'
            )
            self.findings.check("seed-matters", len(hashes) > 1, "seeds", message)
        else:
            self.findings.skip(["seed-matters"], "it draws nothing, as is declared")

    def _under(self, driver: Driver, seed: int) -> Iterator[str]:
        """Yield the hashes of episodes under one seed, one for each player."""
        for index in range(self.episodes):
            with suppress(Stopped):  # what is legal may depend on the seed
                yield hash_of(play(driver, seed, self.player(index), self.max_steps))

    def _seeds_follow(self) -> None:
        followers: list[list[str]] = []
        for _ in range(2):
            driver = self.driver()
            driver.reset(self.seed)
            with suppress(Stopped):
                players = map(self.player, range(max(8, self.episodes)))
                episodes = (play(driver, None, player, self.max_steps) for player in players)
                followers.append([hash_of(episode) for episode in episodes])
        same = len(followers) == 2 and followers[0] == followers[1]
        where = "reset(seed=...) and then reset(), on two instances"
        self.findings.check("seed-follows", same, where, "the later episodes differ")

    def side_by_side(self) -> None:
        """Check that two instances, stepped in turn, play as they do alone."""
        pair = [self.recorded[0], self.recorded[-1]]
        walks = [walk(self.driver(), e.seed, Replay(e.acts), len(e.acts)) for e in pair]
        live = dict(enumerate(walks))
        ended: dict[int, Episode] = {}
        wrong = None
        while live and wrong is None:
            for index in list(live):
                try:
                    ended[index] = next(live[index])
                except StopIteration:
                    wrong = wrong or difference(pair[index].frames, ended[index].frames)
                    del live[index]
                except Stopped as stop:
                    wrong = _of(stop)
                    del live[index]
        self.findings.check("instances-apart", wrong is None, "two instances in turn", wrong or "")

    def spoiled(self) -> None:
        """Check that overwriting what the acting seat was given changes nothing."""
        driver = self.driver()
        for index, episode in enumerate(self.recorded):
            where = f"episode {index}, whatever was given overwritten"
            self.same("alias-state", where, episode, lambda e=episode: _spoil_along(driver, e))  # type: ignore[misc]  # a lambda's default

    def final_observations(self) -> None:
        """Check that an episode's last observation is not the first of the next one."""
        seen = [frame.observations for episode in self.recorded for frame in episode.frames]
        if all(difference(seen[0], other) is None for other in seen):
            self.findings.skip(["final-observation"], "its observations never change")
            return
        driver = self.spare
        hidden = []
        for episode in self.recorded:
            over = next(f for f in episode.frames if any(map(f.is_over, driver.possible)))
            firsts = [episode.frames[0].observations]
            with suppress(Stopped):
                replay(driver, episode, len(episode.acts) - 1)
                firsts.append(copy.deepcopy(driver.reset(None).observations))
            hidden.append(any(difference(over.observations, one) is None for one in firsts))
        message = "the last observation is always the first one of a fresh episode"
        self.findings.check("final-observation", not all(hidden), "every episode", message)

    def elsewhere(self, hash_seeds: Sequence[str]) -> None:
        """Check that other processes play the same."""
        if not hash_seeds:
            self.findings.skip(["processes-agree"], "no hash_seeds were given")
            return
        try:
            job = pack(self.make_env, self.recorded)
        except Exception as error:  # pickling may raise anything
            why = f"make_env or an act cannot be pickled ({error}); give a module's own function"
            self.findings.skip(["processes-agree"], why)
            return
        expected = [hash_of(episode) for episode in self.recorded]
        for hash_seed in hash_seeds:
            where = f"PYTHONHASHSEED={hash_seed}"
            try:
                came = play_elsewhere(job, hash_seed)
            except RuntimeError as error:
                self.findings.check("processes-agree", False, where, str(error))
                continue
            differ = [
                i for i, pair in enumerate(zip(expected, came, strict=True)) if len({*pair}) > 1
            ]
            self.findings.check("processes-agree", not differ, where, f"episodes {differ} differ")


def _twice(driver: Driver, episode: Episode) -> Episode:
    driver.reset(episode.seed)
    return replay(driver, episode)


def _spoil_along(driver: Driver, episode: Episode) -> Episode:
    """Play an episode again with seats that overwrite what they are given before they act.

    A seat that is shown again the very thing it spoilt has harmed nobody else: there the recorded
    frame stands in.
    """
    given: list[Frame] = []
    spoilt: dict[str, tuple[Any, Any]] = {}
    recorded = Replay(episode.acts)

    def careless(driver: Driver, frame: Frame) -> Acts:
        for agent in frame.movers:
            spoilt[agent] = (given[-1].observations.get(agent), given[-1].infos.get(agent))
            spoil(spoilt[agent])
        return recorded(driver, frame)

    so_far = Episode(episode.seed, [], [], [])
    for so_far in walk(driver, episode.seed, careless, len(episode.acts)):
        given.append(so_far.given[-1])
        frame, due = so_far.frames[-1], episode.frames[len(so_far.acts)]
        for agent, (observation, info) in spoilt.items():
            if given[-1].observations.get(agent) is observation and agent in due.observations:
                frame = frame._replace(
                    observations={**frame.observations, agent: due.observations[agent]}
                )
            if given[-1].infos.get(agent) is info and agent in due.infos:
                frame = frame._replace(infos={**frame.infos, agent: due.infos[agent]})
        so_far.frames[-1] = frame
    return so_far


def _place(episode: int, step: int) -> str:
    return f"episode {episode}, {f'step {step}' if step else 'reset'}"


def _of(error: Exception) -> str:
    return f"raised {error}" if isinstance(error, Stopped) else f"raised {error!r}"
