"""One episode of a run: played by two policies, recorded, and read back from its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.policies import AssistantSeat, UserSeat
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.transcript import transcript_of
from gtalign_env.errors import ModelError

SCHEMA = 1
"""Version of the lines of a run's logs."""


@dataclass(frozen=True)
class Fault:
    """Why an episode has no result.

    Attributes:
        kind: What failed, such as ``timeout``.
        seat: Whose model it was, ``user`` or ``assistant``.
        attempts: How often it was tried.
    """

    kind: str
    seat: str
    attempts: int


@dataclass(frozen=True)
class Episode:
    """The result of one episode, one line of ``episodes.jsonl``.

    Attributes:
        episode: Its index.
        regime: What the user paid by.
        persona: Who the user was.
        ending: How it ended.
        user: U, points; what had been gained so far, after a fault.
        assistant: L, likewise.
        welfare: W(U, L); None after a fault.
        charged: Billed, pico-USD.
        cost: Borne by the provider, pico-USD.
        output: Visible tokens delivered.
        reasoning: Hidden tokens delivered.
        user_moves: Labels.
        assistant_moves: Labels.
        fault: What failed, if anything did.
    """

    episode: int
    regime: str
    persona: str
    ending: str
    user: float
    assistant: float
    welfare: float | None
    charged: int
    cost: int
    output: int
    reasoning: int
    user_moves: tuple[str, ...]
    assistant_moves: tuple[str, ...]
    fault: Fault | None = None

    def to_data(self) -> dict[str, Any]:
        """Return the episode as plain JSON data."""
        return {"v": SCHEMA, **asdict(self)}

    @classmethod
    def from_data(cls, data: Any) -> Episode | None:
        """Return the episode of a line, or None where it is a line of another kind or version.

        Args:
            data: A record of the log.
        """
        if not isinstance(data, dict) or data.get("v") != SCHEMA or "episode" not in data:
            return None
        fields = {key: value for key, value in data.items() if key != "v"}
        try:
            fields["user_moves"] = tuple(fields["user_moves"])
            fields["assistant_moves"] = tuple(fields["assistant_moves"])
            fields["fault"] = None if fields["fault"] is None else Fault(**fields["fault"])
            return cls(**fields)
        except (KeyError, TypeError):
            return None


@dataclass(frozen=True)
class Played:
    """An episode with its turns.

    Attributes:
        result: What came of it.
        events: Its lines of ``events.jsonl``: one a turn, one at the end.
    """

    result: Episode
    events: tuple[dict[str, Any], ...]


def play(conversation: Conversation, user: UserSeat, assistant: AssistantSeat) -> Fault | None:
    """Play a conversation to its end, and return what failed, if anything did.

    Args:
        conversation: The conversation, nothing said yet.
        user: The user's policy.
        assistant: The assistant's policy.
    """
    while conversation.state.ending is None:
        seat = conversation.state.to_move
        u = conversation.chance(seat, Purpose.POLICY)
        try:
            if seat is Seat.USER:
                conversation.step_user(user(conversation.user_view(), u))
            else:
                conversation.step_assistant(assistant(conversation.assistant_view(), u))
        except ModelError as error:
            conversation.fault()
            return Fault(error.kind, seat.name.lower(), error.attempts)
    return None


def record(conversation: Conversation, fault: Fault | None, *, seed: int, episode: int) -> Played:
    """Return the record of a conversation that has ended.

    Args:
        conversation: The conversation.
        fault: What failed, if anything did.
        seed: Seed of the run.
        episode: Index of the episode.
    """
    told = transcript_of(conversation, seed=seed, episode=episode)
    state = conversation.state
    events: list[dict[str, Any]] = [
        {
            "v": SCHEMA,
            "episode": episode,
            "turn": index,
            "seat": turn.seat,
            "move": turn.move,
            "charge": turn.charge,
            "rewards": turn.rewards,
        }
        for index, turn in enumerate(told.turns)
    ]
    events.append(
        {
            "v": SCHEMA,
            "episode": episode,
            "turns": len(told.turns),
            "regime": told.regime,
            "persona": told.persona,
            "ending": told.ending,
            "welfare": told.welfare if fault is None else None,
            "cost": told.cost,
            "output": state.total_output,
            "reasoning": state.total_reasoning,
            "fault": None if fault is None else asdict(fault),
        }
    )
    return Played(from_events(events), tuple(events))


def from_events(events: Sequence[dict[str, Any]]) -> Episode:
    """Return the episode that its events tell of.

    Args:
        events: Its turns in order, then its end.
    """
    *turns, last = events
    user = assistant = 0.0
    for turn in turns:  # in the order of play, as the conversation adds them up
        user, assistant = user + turn["rewards"][0], assistant + turn["rewards"][1]
    return Episode(
        episode=last["episode"],
        regime=last["regime"],
        persona=last["persona"],
        ending=last["ending"],
        user=user,
        assistant=assistant,
        welfare=last["welfare"],
        charged=sum(turn["charge"] for turn in turns),
        cost=last["cost"],
        output=last["output"],
        reasoning=last["reasoning"],
        user_moves=tuple(turn["move"] for turn in turns if turn["seat"] == "user"),
        assistant_moves=tuple(turn["move"] for turn in turns if turn["seat"] == "assistant"),
        fault=None if last["fault"] is None else Fault(**last["fault"]),
    )


def replay(events: Iterable[Any]) -> Iterator[Episode]:
    """Yield the episodes whose events are complete, in the order in which they ended.

    An attempt that a crash cut off, or from which a line was lost, is passed over.

    Args:
        events: The records of ``events.jsonl``.
    """
    turns: list[dict[str, Any]] = []
    for event in events:
        if not isinstance(event, dict) or event.get("v") != SCHEMA:
            continue
        if "turns" in event:
            if [turn["episode"] for turn in turns] == [event["episode"]] * event["turns"]:
                yield from_events([*turns, event])
            turns = []
        elif event.get("turn") == len(turns):
            turns.append(event)
        else:
            turns = [event] if event.get("turn") == 0 else []


def latest(episodes: Iterable[Episode]) -> tuple[dict[int, Episode], int]:
    """Return the episodes by index, and how many lines of the same episode there were too many.

    A line that follows a faulted one of the same episode is its repetition, as meant.

    Args:
        episodes: The episodes of a log, in order; the last one of an index counts.
    """
    found: dict[int, Episode] = {}
    repeated = 0
    for one in episodes:
        before = found.get(one.episode)
        repeated += before is not None and before.fault is None
        if before is None or before.fault is not None or one.fault is None:
            found[one.episode] = one
    return dict(sorted(found.items())), repeated
