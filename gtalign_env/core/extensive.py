"""The conversation as a game tree: the Bayesian game in which the assistant does not know the type.

Chance draws the type first, then whether each answer is right and whether each reply is clear. The
user knows its type and everything that happens, so each of its information sets is one node. The
assistant knows the style, all moves and whether replies were clear; nodes that differ in type or in
correctness are one information set to it. Both remember all that they have seen (perfect recall).

Payoffs are U and L at the leaves. Lengths stand at their means, types that vary continuously in
bins, so the tree is exact where the normal form is.

References:
    Kuhn (1953), "Extensive games and the problem of information"; Harsanyi (1967), "Games with
    incomplete information played by Bayesian players", part I (chance draws the type).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gtalign_env.core.mixed import AssistantMix, UserMix
from gtalign_env.core.moves import STYLES, AssistantMove, Ending, UserMove
from gtalign_env.core.oracle import Particle
from gtalign_env.core.play_out import after_answer, after_message, start, user_view, with_answer
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView, InformationSet, UserView, assistant_view
from gtalign_env.draws import Seat
from gtalign_env.errors import SolverError
from gtalign_env.persona import Population, UserType

MOST_NODES = 200_000
"""Nodes of the largest tree that is built unless more are asked for; a file of some 15 MB."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The end of a conversation, with both welfares, points."""

    user: float
    assistant: float
    ending: Ending


@dataclass(frozen=True, slots=True)
class Chance:
    """A draw: names of what can happen, probabilities that sum to 1, and what follows."""

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Information:
    """An information set: a seat cannot tell its nodes apart.

    Attributes:
        seat: Who moves.
        number: From 1, by seat.
        label: What the seat has seen, in words; distinct within the seat.
        moves: What it may do.
        view: What it may know there; one of its nodes' views, which agree in all that is visible.
    """

    seat: Seat
    number: int
    label: str
    moves: tuple[UserMove | AssistantMove, ...]
    view: UserView | AssistantView


@dataclass(frozen=True, slots=True)
class Turn:
    """A node where a seat moves; children in the order of the moves."""

    information: Information
    children: tuple[Node, ...]


Node = Leaf | Chance | Turn


@dataclass(frozen=True)
class ExtensiveForm:
    """A game tree.

    Attributes:
        name: What to call it.
        root: Where it begins.
        user: The user's information sets, by number.
        assistant: The assistant's information sets, by number.
        nodes: How many nodes it has, leaves included.
        leaves: How many of them are leaves.
        exact: Whether no type and no length was approximated.
    """

    name: str
    root: Node
    user: tuple[Information, ...]
    assistant: tuple[Information, ...]
    nodes: int
    leaves: int
    exact: bool


def extensive_form(
    spec: GameSpec,
    moves: Sequence[AssistantMove] = tuple(AssistantMove),
    most_types: int = 1,
    most_nodes: int = MOST_NODES,
) -> ExtensiveForm:
    """Return the whole conversation game as a tree.

    Args:
        spec: The game.
        moves: What the assistant may do; fewer moves make a smaller game.
        most_types: Types per persona that stand in for continuous distributions.
        most_nodes: Size beyond which to give up.

    Raises:
        SolverError: The tree is larger than that.
        ValueError: No moves, or one of them twice.
    """
    if not moves or len(set(moves)) != len(moves):
        raise ValueError(f"moves must be distinct, at least one; got {list(moves)}")
    return _Builder(spec, tuple(moves), most_nodes).build(named_types(spec.population, most_types))


def named_types(population: Population, most: int) -> list[tuple[str, float, UserType]]:
    """Return the types with a name each, distinct, and their weights.

    Args:
        population: Who the user may be.
        most: Types per persona that stand in for continuous distributions.
    """
    out: list[tuple[str, float, UserType]] = []
    met: dict[str, int] = {}
    for weight, persona in population.personas:
        types = Population(((1.0, persona),)).types(most)
        alone = len(types) == 1 and sum(p.name == persona.name for _, p in population.personas) == 1
        for share, who in types:
            met[persona.name] = met.get(persona.name, 0) + 1
            name = persona.name if alone else f"{persona.name} {met[persona.name]}"
            out.append((name, weight * share, who))
    return out


@dataclass
class _Builder:
    spec: GameSpec
    moves: tuple[AssistantMove, ...]
    most: int
    nodes: int = 0
    leaves: int = 0
    sets: dict[Seat, dict[tuple[str, ...], Information]] = field(
        default_factory=lambda: {Seat.USER: {}, Seat.ASSISTANT: {}}
    )

    def build(self, types: Sequence[tuple[str, float, UserType]]) -> ExtensiveForm:
        names, weights, _ = zip(*types, strict=True)
        if len(types) > 1:
            self._count()
        children = tuple(
            self._user(
                InformationSet(who.style, (), (), False),
                start(who),
                (f"{name}:",),
                (f"{STYLES[who.style]}:",),
            )
            for name, _, who in types
        )
        root = children[0] if len(children) == 1 else Chance(names, weights, children)
        return ExtensiveForm(
            self.spec.name,
            root,
            tuple(self.sets[Seat.USER].values()),
            tuple(self.sets[Seat.ASSISTANT].values()),
            self.nodes,
            self.leaves,
            self.spec.is_exact,
        )

    def _user(
        self, history: InformationSet, now: Particle, mine: tuple[str, ...], theirs: tuple[str, ...]
    ) -> Node:
        """Return the user's turn; ``mine`` and ``theirs`` are what each seat has seen."""
        self._count()
        legal = legal_user_moves(now.state)
        view = user_view(self.spec, history, now)
        information = self._information(Seat.USER, mine, legal, view)
        children: list[Node] = []
        for move in legal:
            said = (move.label,)
            outcomes = list(after_message(self.spec, history, now, move))
            if outcomes[0][1].state.ending is not None:  # nothing is left to chance
                children.append(self._leaf(outcomes[0][1]))
                continue
            told = [("clear",), ("unclear",)] if len(outcomes) > 1 else [()]
            parts = [
                self._assistant(seen, after, mine + said + how, theirs + said + how)
                for (seen, after), how in zip(outcomes, told, strict=True)
            ]
            children.append(self._draw(("clear", "unclear"), [o[1] for o in outcomes], parts, now))
        return Turn(information, tuple(children))

    def _assistant(
        self, history: InformationSet, now: Particle, mine: tuple[str, ...], theirs: tuple[str, ...]
    ) -> Node:
        self._count()
        view = assistant_view(self.spec, history, now.state)
        information = self._information(Seat.ASSISTANT, theirs, self.moves, view)
        children: list[Node] = []
        for move in self.moves:
            said = (move.label,)
            outcomes = list(after_answer(self.spec, now, move))
            if outcomes[0].state.ending is not None:  # broke, whether right or not
                children.append(self._leaf(outcomes[0]))
                continue
            known = with_answer(history, move)
            parts = [
                self._user(known, after, mine + said + _verdict(after, move), theirs + said)
                for after in outcomes
            ]
            children.append(self._draw(("right", "wrong"), outcomes, parts, now))
        return Turn(information, tuple(children))

    def _information(
        self,
        seat: Seat,
        seen: tuple[str, ...],
        moves: tuple[UserMove, ...] | tuple[AssistantMove, ...],
        view: UserView | AssistantView,
    ) -> Information:
        known = self.sets[seat]
        if seen not in known:
            known[seen] = Information(seat, len(known) + 1, " ".join(seen), moves, view)
        return known[seen]

    def _draw(
        self,
        labels: tuple[str, str],
        outcomes: Sequence[Particle],
        children: Sequence[Node],
        now: Particle,
    ) -> Node:
        if len(children) == 1:
            return children[0]
        self._count()
        chances = tuple(after.probability / now.probability for after in outcomes)
        return Chance(labels, chances, tuple(children))

    def _leaf(self, particle: Particle) -> Leaf:
        self._count()
        self.leaves += 1
        assert particle.state.ending is not None
        return Leaf(particle.user, particle.assistant, particle.state.ending)

    def _count(self) -> None:
        self.nodes += 1
        if self.nodes > self.most:
            raise SolverError(
                f"the game tree of {self.spec.name!r} has more than {self.most:,} nodes: "
                f"{self.spec.max_exchanges} exchanges, {len(self.moves)} assistant moves, "
                f"{len(self.spec.population.personas)} personas. Allow fewer exchanges, moves or "
                "types, or more nodes"
            )


def _verdict(after: Particle, move: AssistantMove) -> tuple[str, ...]:
    if not move.answers:
        return ()
    return ("right",) if after.state.right else ("wrong",)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, each before its children, children in order."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        if not isinstance(one, Leaf):
            stack.extend(reversed(one.children))


def expected_payoffs(node: Node, user: UserMix, assistant: AssistantMix) -> tuple[float, float]:
    """Return the expected welfares (user, assistant) of two policies from a node on, points.

    Args:
        node: Where to begin, such as the root.
        user: The user's policy.
        assistant: The assistant's policy; plays only moves that the tree has.
    """
    if isinstance(node, Leaf):
        return node.user, node.assistant
    if isinstance(node, Chance):
        weighted = zip(node.probabilities, node.children, strict=True)
    else:
        view = node.information.view
        played = user(view) if isinstance(view, UserView) else assistant(view)
        children = dict(zip(node.information.moves, node.children, strict=True))
        weighted = ((p, children[move]) for p, move in played)  # type: ignore[assignment]  # likewise pairs
    parts = [(p, *expected_payoffs(child, user, assistant)) for p, child in weighted]
    return sum(p * u for p, u, _ in parts), sum(p * v for p, _, v in parts)
