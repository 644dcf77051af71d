"""One episode of a run: played by two seats, and written down."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gtalign_agents.calibration import values
from gtalign_agents.dialogue.speaker import Dialogue, Said
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import Ending
from gtalign_env.core.policies import AssistantSeat, UserSeat, play_on
from gtalign_env.envs.spaces import MAX_MESSAGE
from gtalign_env.envs.transcript import transcript_of
from gtalign_env.errors import ModelError
from gtalign_training.runs.episode import SCHEMA, Episode, Fault
from gtalign_training.runs.events import from_events


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
