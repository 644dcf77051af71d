"""Dialogues played to their end, all in step: one batched call per turn and seat."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gtalign_agents.dialogue.speaker import Dialogue, Speaker
from gtalign_env.envs.talk import Talk


def play(
    talks: Sequence[Talk],
    user: Speaker,
    assistant: Speaker,
    done: Callable[[int], None] = lambda over: None,
    indices: Sequence[int] | None = None,
) -> list[Dialogue]:
    """Play talks to their end and return them in order.

    A call that fails ends its own talk as a fault, which earns nobody a reward; the others go on.

    Args:
        talks: Nothing said yet.
        user: Who holds the user's seat.
        assistant: Who holds the assistant's seat.
        done: Told after every turn how many talks are over, for a progress bar.
        indices: Number of each dialogue, by which models and cassettes tell samples of the same
            chat apart; 0 for all if None.
    """
    numbers = [0] * len(talks) if indices is None else indices
    dialogues = [Dialogue(talk, index=index) for talk, index in zip(talks, numbers, strict=True)]
    live = list(dialogues)
    while live:
        for speaker in (user, assistant):
            live = [dialogue for dialogue in live if not dialogue.is_over]
            if live:
                _turn(live, speaker)
            done(sum(dialogue.is_over for dialogue in dialogues))
    return dialogues


def _turn(live: Sequence[Dialogue], speaker: Speaker) -> None:
    for dialogue, said in zip(live, speaker.speak(live), strict=True):
        dialogue.take(said)
