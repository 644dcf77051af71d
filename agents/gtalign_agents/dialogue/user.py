"""A language model in the user's seat.

Two modes, named: in ``phrased`` a policy decides what is said and the model finds the words; in
``decided`` the model decides itself, and its move is read off its words as for anybody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gtalign_agents.backends.chat import ChatModel, Completion, Fault, Request, Sampling
from gtalign_agents.dialogue.guard import errors_of, errors_of_words
from gtalign_agents.dialogue.speaker import Dialogue, Said, decide
from gtalign_agents.dialogue.user_prompt import to_decide, to_phrase
from gtalign_env.core.moves import UserMove
from gtalign_env.core.policies import DefaultSeat, UserSeat

Mode = Literal["phrased", "decided"]


@dataclass(frozen=True)
class LanguageUser:
    """A language model in the user's seat.

    Attributes:
        model: The model.
        mode: Who decides what is said: a policy (``phrased``) or the model (``decided``).
        policy: Who decides in ``phrased``.
        sampling: How to sample.
        tries: How often words are asked for that read as the decided move; after that the bundled
            wording is used, labelled ``misphrased``.
    """

    model: ChatModel
    mode: Mode = "phrased"
    policy: UserSeat = field(default_factory=lambda: DefaultSeat(0.5))
    sampling: Sampling = field(default_factory=lambda: Sampling(max_tokens=120))
    tries: int = 2

    def speak(self, dialogues: Sequence[Dialogue]) -> list[Said | Fault]:
        """Return the next message of each; one batched call, more where words have to be found."""
        if self.mode == "decided":
            requests = [Request(to_decide(one), self.sampling, one.index) for one in dialogues]
            outcomes = self.model.complete(requests)
            return [
                outcome if isinstance(outcome, Fault) else _decided(outcome, dialogue)
                for dialogue, outcome in zip(dialogues, outcomes, strict=True)
            ]
        return self._phrased(dialogues)

    def _phrased(self, dialogues: Sequence[Dialogue]) -> list[Said | Fault]:
        moves = [decide(self.policy, dialogue.talk) for dialogue in dialogues]
        said: dict[int, Said | Fault] = {}
        calls: dict[int, tuple[Completion, ...]] = dict.fromkeys(range(len(dialogues)), ())
        open_ = list(range(len(dialogues)))
        for attempt in range(self.tries):
            requests = [
                Request(
                    to_phrase(dialogues[i], moves[i]),
                    self.sampling,
                    index=dialogues[i].index * self.tries + attempt,
                )
                for i in open_
            ]
            for i, outcome in zip(open_, self.model.complete(requests), strict=True):
                if isinstance(outcome, Fault):
                    said[i] = outcome
                    continue
                calls[i] += (outcome,)
                text = outcome.text.strip()
                if _does(text, moves[i], dialogues[i]):
                    # what was decided is the policy's, not the model's
                    labels = errors_of_words(text, moves[i], dialogues[i])
                    said[i] = _said(text, labels, calls[i])
            open_ = [i for i in open_ if i not in said]
            if not open_:
                break
        for i in open_:
            text = dialogues[i].talk.word_user(moves[i])
            said[i] = Said(text, calls[i][-1].text, labels=("misphrased",), calls=calls[i])
        return [said[i] for i in range(len(dialogues))]


def _does(text: str, move: UserMove, dialogue: Dialogue) -> bool:
    """Return whether a text reads as a move, and settles what is meant where that is drawn."""
    talk = dialogue.talk
    read, settled = talk.read_user(text)
    if move is UserMove.REPLY and settled is not talk.conversation.draw_settled():
        return False
    return read is move


def _decided(made: Completion, dialogue: Dialogue) -> Said:
    text = made.text.strip()
    move, _ = dialogue.talk.read_user(text)
    return _said(text, errors_of(text, move, dialogue), (made,))


def _said(text: str, labels: tuple[str, ...], calls: tuple[Completion, ...]) -> Said:
    unfinished = () if calls[-1].is_whole else ("unfinished",)
    return Said(text, calls[-1].text, labels=(*labels, *unfinished), calls=calls)
