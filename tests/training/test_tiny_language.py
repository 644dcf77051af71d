"""The tiny model's language: every text of the covered subset is in it, and comes back whole."""

from __future__ import annotations

import numpy as np
import pytest

from gtalign_agents.fourblock import parse
from gtalign_env.core.moves import AssistantMove
from gtalign_env.core.policies import default_seat
from gtalign_env.scenario.loader import load_tasks
from gtalign_training.game import open_talk, training_table
from gtalign_training.language.chat import ChatTokens
from gtalign_training.language.demonstrations import demonstrations
from gtalign_training.language.models import new_assistant
from gtalign_training.language.tiny.language import SKETCHES, pieces, sketch
from gtalign_training.recipe import load_recipe

RECIPE = load_recipe("tiny-grpo")


@pytest.fixture(scope="module")
def chat() -> ChatTokens:
    table = training_table(RECIPE)
    return ChatTokens(new_assistant(RECIPE, table.specs).tokenizer)


@pytest.fixture(scope="module")
def rows(chat: ChatTokens) -> list[tuple[list[int], list[int]]]:
    table = training_table(RECIPE, knowing=True)
    made = demonstrations(
        lambda index: open_talk(table, index),
        default_seat(0.5),
        chat,
        600,
        np.random.default_rng(0),
    )
    return [(row.input_ids, row.mask) for row in made]


def test_no_text_of_the_language_is_unknown(
    chat: ChatTokens, rows: list[tuple[list[int], list[int]]]
) -> None:
    unknown = chat.tokenizer.unk_token_id
    assert not any(unknown in ids for ids, _ in rows)


def test_encoding_and_decoding_give_the_text_back(
    chat: ChatTokens, rows: list[tuple[list[int], list[int]]]
) -> None:
    for ids, _ in rows:
        text = chat.tokenizer.decode(ids, skip_special_tokens=False)
        assert chat.tokenizer.encode(text, add_special_tokens=False) == ids


def test_block_tags_are_ordinary_tokens(
    chat: ChatTokens, rows: list[tuple[list[int], list[int]]]
) -> None:
    kept = chat.tokenizer.decode(rows[0][0], skip_special_tokens=True)
    assert "<response>" in kept


def test_only_the_assistant_is_imitated(
    chat: ChatTokens, rows: list[tuple[list[int], list[int]]]
) -> None:
    for ids, mask in rows:
        imitated = [token for token, kept in zip(ids, mask, strict=True) if kept]
        for answer in chat.tokenizer.decode(imitated).split("<eos>")[:-1]:
            parse(answer)  # each stretch is one whole answer, and nothing of the user's


def test_moves_are_drawn_evenly(chat: ChatTokens, rows: list[tuple[list[int], list[int]]]) -> None:
    # without strategy: each of the seven first moves is as common as any other
    counts = dict.fromkeys((move.label for move in AssistantMove), 0)
    for ids, mask in rows:
        imitated = [token for token, kept in zip(ids, mask, strict=True) if kept]
        analysis = parse(chat.tokenizer.decode(imitated).split("<eos>")[0]).analyze
        cell = analysis.rpartition(": ")[2].partition("_")[2].replace(" ", ":")
        counts[cell] += 1
    n = len(rows)
    expected = n / 7
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 22.5  # p = 0.001


def test_pieces_have_no_repetition_and_come_longest_first() -> None:
    table = training_table(RECIPE)
    found = pieces(load_tasks("general_knowledge"), [spec.regime for spec in table.specs])
    assert len(found) == len(set(found))
    assert [len(piece) for piece in found] == sorted((len(p) for p in found), reverse=True)


def test_sketches_differ() -> None:
    assert len({str(sketch(index)) for index in range(SKETCHES)}) == SKETCHES


def test_chat_format_grows_token_by_token(chat: ChatTokens) -> None:
    whole = chat.tokenizer.apply_chat_template(
        [
            {"role": "system", "content": "Pricing: "},
            {"role": "user", "content": "thanks"},
            {"role": "assistant", "content": "Do you mean "},
            {"role": "user", "content": "bye"},
        ],
        tokenize=False,
        add_generation_prompt=True,
    )
    grown = chat.prompt("Pricing: ", "thanks")
    grown += chat.tokenizer.encode("Do you mean ", add_special_tokens=False)
    grown += [chat.tokenizer.eos_token_id, *chat.next_turn("bye")]
    assert chat.tokenizer.decode(grown) == whole
