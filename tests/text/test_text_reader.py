from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gtalign_env.core.moves import UserMove
from gtalign_env.scenario.tasks import Question, TaskSet
from gtalign_env.text.grading import mentioned, settles
from gtalign_env.text.reader import read_assistant, read_user
from gtalign_env.text.sentences import split, statements

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)
PROSE = st.lists(
    st.sampled_from(
        [
            *"abz .?!…\"')\n",
            "Dr. ",
            "? ",
            "Do you mean it? ",
            "1. ",
            "- ",
            ": ",
            "。",
            "\u0301",
            "Sure! ",
        ]
    ),
    max_size=40,
).map("".join)


@pytest.fixture(scope="module")
def question(tasks: TaskSet) -> Question:
    return tasks.question("georgia-capital")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Tbilisi.", "DA:concise"),
        ("tbilisi", "DA:concise"),
        ("", "DA:concise"),
        (" \n\t ", "DA:concise"),
        ("...?!", "DA:concise"),
        ("Sure!", "DA:concise"),
        ("\ud800\0", "DA:concise"),
        ("Do you mean the state?", "CQ"),
        ("Sure! Do you mean the state or the country?", "CQ"),
        ("Good question. Of course. Which one?", "CQ"),
        ("Which one?! ", "CQ"),
        ("Sure, happy to help. Do you mean the state? Please let me know!", "CQ"),
        ("That's a great question! I'd be happy to help with that. Which one?", "CQ"),
        ("There are two. Which one do you mean?", "AQ:concise"),
        ("**Which one?**", "CQ"),
        ("Which one do you mean:\n- the state\n- the country", "CQ"),
        ("Which one do you mean?\n1. the state\n2. the country", "CQ"),
        ("Do you mean:\n\n* the state.\n* the country.", "CQ"),
        ("どちらですか？", "CQ"),
        ("أي واحد؟", "CQ"),
        ("Tbilisi. Do you mean the country?", "AQ:concise"),
        ("Do you mean the country? Then Tbilisi.", "AQ:concise"),
        ("tbilisi. do you mean the country?", "AQ:concise"),
        ("8. Do you mean the spider?", "AQ:concise"),
        ("W. Do you mean the metal?", "AQ:concise"),
        ("It is 3.14. Do you mean pi?", "AQ:concise"),
        ("The options are:\n- Atlanta\n- Tbilisi\nWhich one?", "AQ:concise"),
        ('He wrote "Quo vadis?" in 1896.', "DA:concise"),
        ('The novel is "Quo vadis?".', "DA:concise"),
        ("It was Dr. Seuss, i.e. Theodor S. Geisel.", "DA:concise"),
        ("What we know: it is Tbilisi", "DA:concise"),
        ("one two three four five six seven eight", "DA:concise"),
        ("one two three four five six seven eight nine", "DA:standard"),
        ("a " * 24, "DA:standard"),
        ("a " * 25, "DA:verbose"),
        ("a " * 25 + ". Which?", "AQ:verbose"),
        ("x" * 10_000, "DA:verbose"),
    ],
)
def test_an_assistant_message_is_read(text: str, label: str) -> None:
    assert read_assistant(text).label == label


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("J. R. R. Tolkien wrote it. He was a don.", 2),
        ("Mt. Everest is 8,848.86 m high. It is cold.", 2),
        ("The U.S. Congress sat. It is old.", 2),
        ("Vitamin C. Do you mean that?", 2),
        ("It fell at 5 p.m. It was dark.", 2),
        ("See e.g. St. Petersburg, approx. 5 km.", 1),
        ("First line\nsecond line", 2),
        ("「東京です。」大阪ではない。", 2),
    ],
)
def test_sentences(text: str, count: int) -> None:
    assert len(split(text)) == count


def test_the_bands_can_be_set() -> None:
    assert read_assistant("a b c", bands=(2, 4)).label == "DA:standard"
    assert read_assistant("a b c d e", bands=(2, 4)).label == "DA:verbose"


@given(st.one_of(ANY_TEXT, PROSE))
@example("?" + ")" * 50 + "x")
@example("e" + "\u0301\u0323" * 500)
@example("\u202e\u200b<response>\ufdfa")
def test_reading_never_raises_and_repeats(text: str) -> None:
    assert read_assistant(text) is read_assistant(text)


@given(st.one_of(ANY_TEXT, PROSE))
def test_the_kind_of_move_follows_from_the_sentences(text: str) -> None:
    move = read_assistant(text)
    sentences = split(text)
    assert move.asks == any(sentence.asks for sentence in sentences)
    assert move.answers == (bool(statements(text)) or not sentences)


@given(PROSE, PROSE)
def test_more_statements_never_make_a_message_shorter(first: str, second: str) -> None:
    # A second number at the start of a line turns both into list markers, which are no words.
    assume("1" not in first and statements(first))
    before, after = (
        read_assistant(first).verbosity,
        read_assistant(f"{first}\n\n{second}").verbosity,
    )
    assert before is not None
    assert after is not None
    assert after >= before


CONTEXTS = ((True, False, False), (False, True, False), (False, False, True), (False, False, False))


def read(
    text: str, question: Question, context: tuple[bool, bool, bool], meant: int = 0
) -> UserMove:
    return read_user(
        text,
        opening=context[0],
        after_question=context[1],
        after_answer_and_question=context[2],
        question=question,
        meant=meant,
    )


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        # opening, after CQ, after AQ, after DA
        ("What is the capital of Georgia?", "VQ REPLY REPLY FOLLOW_UP"),
        ("What is the capital of the COUNTRY of Georgia", "DQ REPLY REPLY FOLLOW_UP"),
        ("I mean the country, not the state.", "VQ REPLY REPLY FOLLOW_UP"),
        ("I mean the state.", "VQ REPLY REPLY FOLLOW_UP"),
        ("Thanks!", "VQ REPLY ACCEPT ACCEPT"),
        ("That's it, thank you so much. Bye!", "VQ REPLY ACCEPT ACCEPT"),
        ("Never mind.", "VQ LEAVE LEAVE LEAVE"),
        ("ok, never mind then, thanks anyway", "VQ LEAVE LEAVE LEAVE"),
        ("no thanks", "VQ LEAVE LEAVE LEAVE"),
        ("Goodbye", "VQ LEAVE LEAVE LEAVE"),
        ("", "VQ REPLY REPLY FOLLOW_UP"),
        ("ok", "VQ REPLY REPLY FOLLOW_UP"),
        ("Thanks, but that is the wrong one", "VQ REPLY REPLY FOLLOW_UP"),
        ("thanks " * 40, "VQ REPLY REPLY FOLLOW_UP"),
        ("\ud800\0\u202e", "VQ REPLY REPLY FOLLOW_UP"),
    ],
)
def test_a_user_message_is_read(question: Question, text: str, moves: str) -> None:
    found = [read(text, question, context).name for context in CONTEXTS]
    assert " ".join(found) == moves


STOP_WORDS = ("never mind", "forget it", "bye", "thanks", "thank you", "that is it", "stop", "quit")


@given(
    st.sampled_from(STOP_WORDS),
    st.sampled_from(
        ["Why did she say '{}' to him", "the song {} by Abba", "{} wrong capital {}", "is {} right"]
    ),
)
def test_a_stop_word_in_a_longer_message_ends_nothing(
    tasks: TaskSet, word: str, frame: str
) -> None:
    question = tasks.questions[0]
    for context in CONTEXTS[1:]:
        assert read(frame.format(word, word), question, context) in (
            UserMove.REPLY,
            UserMove.FOLLOW_UP,
        )


@given(ANY_TEXT, st.sampled_from(CONTEXTS))
def test_a_user_move_is_always_legal(
    tasks: TaskSet, text: str, context: tuple[bool, bool, bool]
) -> None:
    move = read(text, tasks.questions[0], context)
    legal = {
        CONTEXTS[0]: {UserMove.VQ, UserMove.DQ},
        CONTEXTS[1]: {UserMove.REPLY, UserMove.LEAVE},
        CONTEXTS[2]: {UserMove.REPLY, UserMove.ACCEPT, UserMove.LEAVE},
        CONTEXTS[3]: {UserMove.FOLLOW_UP, UserMove.ACCEPT, UserMove.LEAVE},
    }
    assert move in legal[context]


def seconds(run: Callable[[str], object], text: str) -> float:
    best = float("inf")
    for _ in range(3):
        split.cache_clear()  # it remembers the last message
        start = time.process_time()
        run(text)
        best = min(best, time.process_time() - start)
    return best


SOUPS = {
    "stops": "." * 10 + "a",
    "one run of stops": ".",
    "question and brackets": "?)",
    "one long bracket": ")",
    "combining marks": "\u0301\u0323",
    "short sentences": "a. ",
    "short lines": "a\n",
    "thousands": "1,111,",
    "decimals": "1.",
    "initials": "U. s",
    "list": "1) ",
    "white space": " ",
    "phrase sign": "\ufdfa",
}


@pytest.mark.parametrize("name", SOUPS)
def test_the_cost_is_linear(tasks: TaskSet, name: str) -> None:
    question = tasks.questions[0]

    def run(text: str) -> None:
        read_assistant(text)
        mentioned(text, question, 3)
        settles(text, question, 0, 3)

    unit = SOUPS[name]
    small = "?" + unit * (20_000 // len(unit)) + "x"
    large = "?" + unit * (320_000 // len(unit)) + "x"
    # Sixteen times the text: 16 times the time if linear, 256 if quadratic; 5 ms are noise.
    assert seconds(run, large) <= 64 * seconds(run, small) + 0.005
