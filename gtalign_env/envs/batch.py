"""A batch of conversations as arrays: games packed into records, and the compiled kernel over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtalign_env.core.compiled import compiled, entry_point
from gtalign_env.core.moves import ONGOING, AssistantMove, UserMove
from gtalign_env.core.policies import ASSISTANT_POLICIES, USER_POLICIES, Script, scripted
from gtalign_env.core.records import packed, record_dtype
from gtalign_env.core.spec import GameSpec
from gtalign_env.distributions import CONSTANT, MOST, quantile
from gtalign_env.draws import Seat, stream_key
from gtalign_env.envs import kernel_many, kernel_one, walk
from gtalign_env.envs.chair import N_FIELDS, Chair, Person, Play, Seen, Told
from gtalign_env.envs.nodes import OPENINGS, SCRIPTS, Spot, Tree, new_desk, new_tree, with_roots
from gtalign_env.envs.observe import N_ENTRIES, Array, regime_entries
from gtalign_env.envs.table import Table
from gtalign_env.errors import ScenarioError, suggest
from gtalign_env.persona import Persona, UserType
from gtalign_env.tariff import History, Usage, increment

EXACT = 2**53
"""Largest amount that a float holds exactly, pico-USD: 9,007 USD, more than any conversation costs."""

COUNTED = 2**31
"""More tokens than a record counts."""

CACHED = 2**23
"""Bytes of observations up to which a step leaves them in the processor's caches, for who reads them."""

_MOVES = {Seat.USER: len(UserMove), Seat.ASSISTANT: len(AssistantMove)}


class Kernels(NamedTuple):
    """The compiled functions of `kernel_many`, then those of `kernel_one`."""

    open_many: Any
    step_many: Any
    leave_many: Any
    open_one: Any
    step_one: Any
    open_both: Any
    step_both: Any


@cache
def kernels() -> Kernels:
    """Return the compiled functions; this is where numba is imported, once."""
    named = vars(kernel_many) | vars(kernel_one)
    entries = [named[name] for name in Kernels._fields]
    return Kernels(
        *compiled(
            *entries, short=entries[3:], apart=(walk.plant, walk.grow, kernel_many.first_time)
        )
    )


def require_script(seat: Seat, name: object, p_vague: float) -> Script:
    """Return a named policy as numbers.

    Raises:
        ScenarioError: It is none that a batch can play, or no policy at all.
    """
    found = scripted(seat, name, p_vague)
    if found is not None:
        return found
    known = [
        policy
        for policy in (USER_POLICIES if seat is Seat.ASSISTANT else ASSISTANT_POLICIES)
        if scripted(seat, policy, p_vague) is not None
    ]
    raise ScenarioError(
        f"in a native vector environment the other seat plays {', '.join(known)}; got {name!r}. "
        "For the oracle or a callable make the environment with vectorization_mode='sync'."
        f"{suggest(str(name), known)}"
    )


class Batch:
    """Some environments with the same seat, one conversation each.

    Args:
        tables: The games of each environment, shape ``(n,)``; tables may be shared.
        seat: The own seat.
        opponents: The policy of the other seat in each.
        joint: Whether W(U, L) at the end is the reward.
        parts: How many parts of the batch may be stepped at the same time.

    Attributes:
        chairs: Records of `Chair`, shape ``(n,)``.
        spots: Records of `Spot`, shape ``(n,)``: where it stands on its part's tree, if it does.
        types: Records of `UserType`: of each environment, then those that persons share.
        observations: What the seats see, shape ``(n, N_ENTRIES)``; see `shown`.
        masks: Which moves are legal now, shape ``(n, moves)``.
        told: What the last step told, see `Told`.
        has_choice: Whether some table has a choice of games, so that episodes are looked up.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        seat: Seat,
        opponents: Sequence[Script],
        joint: bool,
        parts: int = 1,
    ) -> None:
        n = len(tables)
        self._tables = tables
        self._seeds = [0] * n
        self._index: dict[tuple[str, Fraction], int] = {}
        self._plays: list[Play] = []
        self._people: list[Person] = []
        self._shared: list[UserType] = []  # one a person, looked at where its type does not vary
        # an episode's game is looked up where the table has a choice of them
        self.chairs = np.zeros(n, record_dtype(Chair, 1))
        self.chairs["varied"] = self._varied = np.array(
            [len(t.specs) > 1 or bool(t.specs[0].regime.surges) for t in tables], np.bool_
        )
        self.has_choice = bool(self._varied.any())
        self.spots = np.zeros(n, record_dtype(Spot, 1))
        edges = np.linspace(0, n, parts + 1).astype(int).tolist()
        self._parts = list(pairwise(edges))
        self._trees: list[Tree] = []  # one a part, made when first needed
        self._desks = [new_desk() for _ in self._parts]
        self.chairs["seat"] = seat
        self.chairs["shown"] = -1
        self.chairs["own_type_at"] = np.arange(n)
        self.chairs["joint"] = joint
        self.types = np.zeros(n, record_dtype(UserType, 1))
        self.chairs["policy"] = [found.policy for found in opponents]
        self.chairs["p_vague"] = [found.p_vague for found in opponents]
        scripts = list(dict.fromkeys(opponents))
        self.chairs["script"] = [scripts.index(found) for found in opponents]
        self.observations = np.zeros((n, N_ENTRIES), np.float32)
        self.masks = np.ones((n, _MOVES[seat]), np.int8)
        self.told = Told(
            rewards=np.zeros(n),
            terminated=np.zeros(n, np.bool_),
            truncated=np.zeros(n, np.bool_),
            refused=np.zeros(n, np.bool_),
            ended=np.full(n, ONGOING),
            returns=np.zeros(n),
        )
        self.room = np.zeros(N_FIELDS)
        self._step: Callable[..., None] | None = None  # `step_many` for the arrays there are
        for table in dict.fromkeys(tables):
            for spec in table.specs:
                self._play(spec)
        self._pack()

    def __getstate__(self) -> dict[str, Any]:
        """Return the batch without machine code, and without what can be computed again."""
        for tree, part in zip(self._trees, self._parts, strict=False):
            kernels().leave_many(self.chairs, self.spots, tree, self.observations, *part)
        return {**self.__dict__, "_step": None, "_trees": []}

    def seed(self, i: int, seed: int) -> None:
        """Fix all draws of an environment's episodes; the next one is episode 0."""
        self._seeds[i] = seed
        self.spots["node"][i] = 0
        self.chairs["episode"][i] = -1
        if not self._varied[i]:
            self._assign(i, self._tables[i].specs[0])

    def open(self, which: NDArray[np.intp], episode: int | None = None) -> None:
        """Begin an episode in some environments.

        Args:
            which: Indices of the environments, shape ``(k,)``.
            episode: Index of the episode; by default each one's next.
        """
        walking = which[self.spots["node"][which] > 0]
        self.chairs["episode"][walking] = self.spots["episode"][walking]
        if episode is not None:
            self.chairs["episode"][which] = episode - 1
        self.look_up(which)
        for tree, (begin, end) in zip(self.trees(), self._parts, strict=True):
            kernels().open_many(
                self.plays,
                self.people,
                self.types,
                self.chairs,
                self.spots,
                tree,
                Seen(self.observations, self.masks),
                self.told,
                self.room,
                which[(which >= begin) & (which < end)],
            )

    def trees(self) -> list[Tree]:
        """Return what is known of the games, one tree a part."""
        if not self._trees:
            self._trees = [new_tree(self._roots) for _ in self._parts]
        return self._trees

    def prepare(self) -> None:
        """Look up the games of the episodes that the next step begins."""
        if self.has_choice:
            self.look_up(np.flatnonzero(self.told.terminated | self.told.truncated))

    def step(self, actions: NDArray[np.int64], handed: Array, part: int = 0) -> None:
        """Step a part of the batch, after `prepare`; parts may be stepped at the same time.

        Args:
            actions: Of the whole batch, shape ``(n,)``.
            handed: Where the observations go, shape ``(n, N_ENTRIES)``: `observations`, or another.
            part: Index of the part.
        """
        moves = np.ascontiguousarray(actions, np.int64)
        arrays = (
            *(self.plays, self.people, self.types, self.chairs, self.spots, self.trees()[part]),
            *(Seen(self.observations, self.masks), self.told, np.empty(N_FIELDS)),
            *(self._desks[part], moves, handed),
            handed is not self.observations,
            handed.nbytes > CACHED,
            *self._parts[part],
        )
        if self._step is None:
            self._step = entry_point(kernels().step_many, *arrays)
        self._step(*arrays)

    def shown(self) -> Array:
        """Return `observations`, brought up to date; shape ``(n, 57)``."""
        for tree, (begin, end) in zip(self._trees, self._parts, strict=False):
            rows = begin + np.flatnonzero(self.spots["node"][begin:end])
            self.observations[rows] = tree.observations[self.spots["node"][rows]]
        return self.observations

    def look_up(self, which: NDArray[np.intp]) -> None:
        """Name the games of the next episodes, where a table has a choice of them.

        Args:
            which: Indices of the environments, shape ``(k,)``.
        """
        for i in which[self._varied[which]].tolist():
            table = self._tables[i]
            table.seed(self._seeds[i])
            self._assign(i, table.spec(int(self.chairs["episode"][i]) + 1))

    def _assign(self, i: int, spec: GameSpec) -> None:
        known = len(self._plays)
        self.chairs["play"][i] = self._play(spec)
        key = np.uint64(stream_key(spec.digest, self._seeds[i]))
        self.chairs["key"][i] = key.astype(np.int64)
        if len(self._plays) > known:
            self._pack()

    def _play(self, spec: GameSpec) -> int:
        """Return the index of a game, which is added if it is new."""
        name = (spec.digest, spec.regime.surge)
        if name not in self._index:
            require_fits(spec)
            self._index[name] = len(self._plays)
            self._plays.append(
                Play(
                    game=spec.numbers,
                    crowd=spec.population.law,
                    first_person=len(self._people),
                    price=regime_entries(spec.regime),
                    welfare=spec.welfare.numbers,
                )
            )
            for _, persona in spec.population.personas:
                at = len(self.chairs) + len(self._people)
                self._people.append(_person(persona, at, min(spec.numbers.tokens) >= 0))
                self._shared.append(persona.draw(lambda purpose: 0.5))
        return self._index[name]

    def _pack(self) -> None:
        self.plays = packed(Play, self._plays)
        self.people = packed(Person, self._people)
        self._step = None
        self._roots = len(self.people) * SCRIPTS * OPENINGS
        self._trees = [with_roots(tree, self._roots) for tree in self._trees]
        n = len(self.chairs)
        types = np.zeros(n + len(self._shared), record_dtype(UserType, 1))
        types[:n] = self.types[:n]
        types[n:] = packed(UserType, self._shared)
        self.types = types


def _person(persona: Persona, type_at: int, constant_lengths: bool) -> Person:
    laws = [distribution.law for distribution in persona.distributions]
    varied = [k for k, law in enumerate(laws) if law.kind != CONSTANT]
    return Person(
        constants=tuple(law.a for law in laws),
        type_at=type_at,
        laws=tuple(laws[k] for k in varied),
        varied=tuple(varied),
        size=len(varied),
        fixed=constant_lengths and not varied,
    )


def require_fits(spec: GameSpec) -> None:
    """Refuse a game whose amounts could outgrow the numbers of a batch.

    Raises:
        ScenarioError: A conversation may cost more than `EXACT`, or be longer than `COUNTED`.
    """
    game = spec.numbers
    longest = sum(max(0, round(quantile(law, MOST))) for law in game.lengths)
    whole = longest * (game.max_exchanges + 1)
    usage = Usage(whole, 0, longest, longest)
    dearest = max(increment(game.tariff, usage, History(0, 0)), 1)
    most = dearest * game.max_exchanges + max(game.tariff.minimum, game.tariff.outcome)
    if (
        whole >= COUNTED
        or max(most, dearest * game.tariff.numerator, whole * max(game.cost)) >= EXACT
    ):
        raise ScenarioError(
            f"a batch holds amounts below {EXACT // 10**12:,} USD and {COUNTED:,} tokens; a "
            f"conversation of {spec.name!r} could need more. Make it with vectorization_mode='sync'"
        )
