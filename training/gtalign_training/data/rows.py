"""`Question`: one row of a data set, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gtalign_agents.backends.chat import Message
from gtalign_agents.text_welfare import Source

SOURCES_OF: dict[str, Source] = {
    "math-hard": "math",
    "minerva_math": "math",
    "medium": "writing",
    "ambig_qa": "ambiguity",
    "abg_coqa": "ambiguity",
    "wildguard": "safety",
    "advbench": "safety",
}
"""Data sets of GTAlign (arXiv:2510.08872), by their name in ``data_source``."""


IN_TURNS = ("math-hard", "medium")
"""Of these, those whose rows are turns of conversations, which ``conv_id`` tells apart. Elsewhere its
numbers repeat without meaning: 72 of 300 rows of Ambig-QA share one."""


@dataclass(frozen=True)
class Question:
    """One row.

    Attributes:
        question: What the user asks last.
        source: What kind of task it is.
        data_set: Name of the data set.
        history: The chat before the last question, oldest first; complete.
        references: Accepted answers; for ambiguous questions one for each meaning.
        label: ``harmful`` or ``unharmful``, of safety rows.
        group: What rows of one conversation share; they must not be split apart.
        place: File and row, for messages.
    """

    question: str
    source: Source
    data_set: str
    history: tuple[Message, ...] = ()
    references: tuple[str, ...] = ()
    label: Literal["harmful", "unharmful"] | None = None
    group: str = ""
    place: str = ""

    @property
    def key(self) -> str:
        """What makes two rows the same question: the whole chat, white space apart."""
        texts = [*(message.content for message in self.history), self.question]
        return "\x1f".join(" ".join(text.split()) for text in texts)


def from_gtalign(row: dict[str, Any], place: str) -> Question:
    """Return a row of GTAlign's parquet schema.

    The last question stands in ``extra_info.single_turn_prompt``; the history that counts is
    ``extra_info.chat_history``, because ``prompt`` has lost the turns in between.

    Args:
        row: The row as plain Python data.
        place: File and row, for messages.

    Raises:
        ValueError: A field is missing or unknown; names it.
    """
    data_set = _field(row, "data_source")
    if data_set not in SOURCES_OF:
        known = ", ".join(SOURCES_OF)
        raise ValueError(f"data_source must be one of {known}; got {data_set!r}")
    source = SOURCES_OF[data_set]
    extra = _field(row, "extra_info")
    chat = [Message(turn["role"], turn["content"]) for turn in extra.get("chat_history") or ()]
    question = extra.get("single_turn_prompt") or (chat[-1].content if chat else None)
    if not isinstance(question, str) or not question.strip():
        raise ValueError("extra_info.single_turn_prompt must hold the question; it is empty")
    truth = str(_field(_field(row, "reward_model"), "ground_truth"))
    in_turns = bool(chat) and (data_set in IN_TURNS or len(chat) > 1)
    if chat and chat[-1].role == "user":
        chat = chat[:-1]  # the question itself
    label: Any = None
    if source == "safety":
        # AdvBench holds a target string in place of a label: all its requests are harmful
        label = truth if truth in ("harmful", "unharmful") else "harmful"
    return Question(
        question=question,
        source=source,
        data_set=data_set,
        history=tuple(chat),
        references=() if source == "safety" else references_of(data_set, truth),
        label=label,
        group=f"{data_set}:{row['conv_id']}" if in_turns else place,
        place=place,
    )


def references_of(data_set: str, truth: str) -> tuple[str, ...]:
    """Return the accepted answers of a row's ground truth, one for each meaning.

    Args:
        data_set: Name of the data set.
        truth: As it stands in the file; of Ambig-QA ``singleAnswer###…`` or ``multipleQAs###…``.

    Raises:
        ValueError: An Ambig-QA truth has neither form.
    """
    if data_set != "ambig_qa":
        return (truth,) if truth else ()
    kind, _, rest = truth.partition("###")
    if kind == "singleAnswer":
        return (rest.strip(),)
    if kind != "multipleQAs":
        raise ValueError(
            f"ground_truth must begin singleAnswer### or multipleQAs###; got {kind!r:.40}"
        )
    answers = [
        line.partition("; Answer ")[2].partition(":")[2].strip() for line in rest.splitlines()
    ]
    return tuple(answer for answer in answers if answer)


def _field(row: dict[str, Any], name: str) -> Any:
    if name not in row or row[name] is None:
        raise ValueError(f"{name} must be there; it is missing")
    return row[name]
