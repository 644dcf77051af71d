"""Dialogues played to their end, all in step: one batched call per turn and seat."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gtalign_agents.backends.chat import Fault
from gtalign_agents.dialogue.speaker import Dialogue, Speaker
from gtalign_env.draws import Seat
from gtalign_env.envs.spaces import MAX_MESSAGE
from gtalign_env.envs.talk import Talk


def play(
    talks: Sequence[Talk],
    user: Speaker,
    assistant: Speaker,
    done: Callable[[int], None] = lambda over: None,
) -> list[Dialogue]:
    """Play talks to their end and return them in order.

    A call that fails ends its own talk as a fault, which earns nobody a reward; the others go on.

    Args:
        talks: Nothing said yet.
        user: Who holds the user's seat.
        assistant: Who holds the assistant's seat.
        done: Told after every turn how many talks are over, for a progress bar.
    """
    dialogues = [Dialogue(talk) for talk in talks]
    live = list(dialogues)
    while live:
        for seat, speaker in ((Seat.USER, user), (Seat.ASSISTANT, assistant)):
            live = [dialogue for dialogue in live if not dialogue.is_over]
            if live:
                _turn(live, seat, speaker)
            done(sum(dialogue.is_over for dialogue in dialogues))
    return dialogues


def _turn(live: Sequence[Dialogue], seat: Seat, speaker: Speaker) -> None:
    for dialogue, said in zip(live, speaker.speak(live), strict=True):
        if isinstance(said, Fault):
            dialogue.fault = said
            dialogue.talk.conversation.fault()
            continue
        # a seat may write more than a message holds; what is cut off was never delivered
        text = said.text[:MAX_MESSAGE]
        if seat is Seat.USER:
            dialogue.talk.say_user(text)
        else:
            dialogue.talk.say_assistant(text, said.reasoning)
        dialogue.turns.append((seat, said))
