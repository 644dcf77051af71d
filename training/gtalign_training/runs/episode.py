"""One episode of a run: played by two seats, recorded, and read back from its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from gtalign_agents.calibration import values
from gtalign_agents.dialogue.guard import user_error
from gtalign_agents.dialogue.speaker import Dialogue, Said
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import Ending
from gtalign_env.core.policies import AssistantSeat, UserSeat, play_on
from gtalign_env.envs.spaces import MAX_MESSAGE
from gtalign_env.envs.transcript import transcript_of
from gtalign_env.errors import ModelError

SCHEMA = 1
"""Version of the lines of a run's logs."""

UNSURE = ("estimate", "disputed")
"""Sources of a usage that are no count, or one that differs from our own."""


@dataclass(frozen=True)
class Fault:
    """Why an episode has no result.

    Attributes:
        kind: What failed, such as ``timeout``.
        seat: Whose model it was, ``user`` or ``assistant``.
        attempts: How often it was tried.
        message: What came, without keys or texts of the conversation.
    """

    kind: str
    seat: str
    attempts: int
    message: str = ""


class Side(NamedTuple):
    """What a seat's messages in words came of."""

    messages: int
    labels: tuple[str, ...]
    """What is wrong with them, by name, in order."""
    calls: int
    """Completed calls of a model."""
    estimated: int
    """Calls whose tokens nobody counted, or not as we do."""
    usage: tuple[int, int, int, int]
    """Tokens of all calls: input, cached input, output, reasoning."""
    wrong: int = 0
    """Messages with at least one label that is an error."""
    typed: tuple[str, ...] = ()
    """Who has typed the move of each message, where a judge was there to be asked."""


class Written(NamedTuple):
    """What a four-block turn of an assistant says before its response, with what was played."""

    turn: int
    """Which of the assistant's turns, from 0."""
    user: str
    """Label of the message that it answers."""
    move: str
    """Label of the move that its response is read as."""
    own: tuple[float, ...]
    """The matrix as the model wrote it, see `gtalign_agents.calibration.values`."""
    standing: tuple[float, ...]
    """The matrix that the rest of the turn went on from."""
    announced: str | None
    """The cell that its analysis names."""


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
        words: What the user's and the assistant's messages came of; None for a game by moves.
        written: The well-formed four-block turns.
        right: Whether a right answer was accepted; None in logs from before this was kept.
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
    words: tuple[Side, Side] | None = None
    written: tuple[Written, ...] = ()
    right: bool | None = None

    def to_data(self) -> dict[str, Any]:
        """Return the episode as plain JSON data."""
        data = {"v": SCHEMA, **asdict(self)}
        if self.words is None:
            del data["words"]
        else:
            data["words"] = [side._asdict() for side in self.words]
        if self.written:
            data["written"] = [list(one) for one in self.written]
        else:
            del data["written"]
        return data

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
            if "words" in fields:
                user, assistant = (_side(**side) for side in fields["words"])
                fields["words"] = (user, assistant)
            fields["written"] = tuple(_written(*one) for one in fields.get("written", ()))
            return cls(**fields)
        except (KeyError, TypeError, ValueError):
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
    try:
        play_on(conversation, user, assistant)
    except ModelError as error:
        seat = conversation.state.to_move
        conversation.fault()
        return Fault(error.kind, seat.name.lower(), error.attempts, str(error))
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
            **({} if turn.usage is None else {"usage": turn.usage}),
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
            "right": state.ending is Ending.ACCEPTED and state.right,
            "welfare": told.welfare if fault is None else None,
            "cost": told.cost,
            "output": state.total_output,
            "reasoning": state.total_reasoning,
            "fault": None if fault is None else asdict(fault),
        }
    )
    return Played(from_events(events), tuple(events))


def record_dialogue(dialogue: Dialogue, *, seed: int) -> Played:
    """Return the record of a dialogue that has ended, with all that was said and written.

    How often a call was tried is left out: a replay of the same calls then gives the same record.

    Args:
        dialogue: The dialogue; its index is the episode's.
        seed: Seed of the run.
    """
    fault = None
    if dialogue.fault is not None:
        seat = dialogue.talk.conversation.state.to_move.name.lower()
        failed = dialogue.fault
        fault = Fault(failed.kind, seat, failed.attempts, failed.message)
    played = record(dialogue.talk.conversation, fault, seed=seed, episode=dialogue.index)
    *turns, last = played.events
    events = [
        {**turn, **_spoken(said)} for turn, (_, said) in zip(turns, dialogue.turns, strict=True)
    ]
    events.append({**last, "words": True})
    return Played(from_events(events), tuple(events))


def _spoken(said: Said) -> dict[str, Any]:
    spoken: dict[str, Any] = {"text": said.text[:MAX_MESSAGE], "labels": said.labels}
    if said.calls:
        spoken["written"] = said.written
        spoken["calls"] = [
            [*call.usage, call.usage_source, call.finish, call.model] for call in said.calls
        ]
    if said.steered is not None:
        spoken["steered"] = said.steered.to_json()
    if said.choice is not None:
        own, standing, announced = said.choice
        spoken["choice"] = [values(own), values(standing), announced]
    if said.typed is not None:
        call = said.typed.call
        # what a judge used is nobody's message: it stands apart from the seat's own calls
        used = None if call is None else [*call.usage, call.usage_source, call.finish, call.model]
        spoken["typed"] = [said.typed.by, used]
    return spoken


def _side(
    messages: int,
    labels: Any,
    calls: int,
    estimated: int,
    usage: Any,
    wrong: int,
    typed: Any,
) -> Side:
    sent, cached, written, hidden = usage
    used = (sent, cached, written, hidden)
    return Side(messages, tuple(labels), calls, estimated, used, wrong, tuple(typed))


def _written(turn: int, user: str, move: str, own: Any, standing: Any, announced: Any) -> Written:
    return Written(turn, user, move, tuple(own), tuple(standing), announced)


def _choices(turns: Sequence[dict[str, Any]]) -> tuple[Written, ...]:
    # messages alternate, and the user opens: turn 2k + 1 answers turn 2k
    return tuple(
        _written(index // 2, turns[index - 1]["move"], turn["move"], *turn["choice"])
        for index, turn in enumerate(turns)
        if "choice" in turn
    )


def side_of(turns: Sequence[dict[str, Any]], seat: str) -> Side:
    """Return what a seat's messages came of.

    Args:
        turns: The turns of an episode in words.
        seat: ``user`` or ``assistant``.
    """
    own = [turn for turn in turns if turn["seat"] == seat]
    calls = [call for turn in own for call in turn.get("calls", ())]
    return _side(
        len(own),
        [label for turn in own for label in turn["labels"]],
        len(calls),
        sum(call[4] in UNSURE for call in calls),
        [sum(call[kind] for call in calls) for kind in range(4)],
        sum(user_error(turn["labels"]) for turn in own),
        [turn["typed"][0] for turn in own if "typed" in turn],
    )


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
        words=(side_of(turns, "user"), side_of(turns, "assistant")) if "words" in last else None,
        written=_choices(turns),
        right=last.get("right"),
    )


def attempts(events: Iterable[Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield the events of each episode that are complete, in the order in which they ended.

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
                yield [*turns, event]
            turns = []
        elif event.get("turn") == len(turns):
            turns.append(event)
        else:
            turns = [event] if event.get("turn") == 0 else []


def replay(events: Iterable[Any]) -> Iterator[Episode]:
    """Yield the episodes whose events are complete, in the order in which they ended.

    Args:
        events: The records of ``events.jsonl``.
    """
    return map(from_events, attempts(events))


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
