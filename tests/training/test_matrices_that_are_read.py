"""Models that do as their matrix says: what they imitate, how a turn is halted, what order is worth."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from gtalign_agents.calibration import (
    agreement,
    best_cells,
    cell_of,
    exact_payoff,
    order_agreement,
    payoff_of,
)
from gtalign_agents.fourblock import PAYOFF_KEYS, parse
from gtalign_agents.steering import Edit
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_training.game import held_out_tables, known_specs, open_talk, training_table, user_of
from gtalign_training.language.chat import ChatTokens, Tokens
from gtalign_training.language.conversations import Conversations
from gtalign_training.language.demonstrations import demonstrations
from gtalign_training.language.generation import MATRIX_END, _steered, _written
from gtalign_training.language.models import new_assistant
from gtalign_training.language.rollouts import Rollout, Turn
from gtalign_training.language.tiny.language import reason_for

from .conftest import small_recipe

RECIPE = small_recipe(sft={"matrices": "read"})
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def chat() -> ChatTokens:
    return ChatTokens(new_assistant(RECIPE, known_specs(RECIPE)).tokenizer)


def test_the_choice_follows_from_the_matrix(chat: ChatTokens) -> None:
    table = training_table(RECIPE, knowing=True)
    made = list(
        demonstrations(
            lambda index: open_talk(table, index), user_of(RECIPE), chat, 400, RNG, read=True
        )
    )
    moves, imitated = [], 0
    for row in made:
        texts = chat.tokenizer.decode(row.input_ids).split("\nAssistant: ")[1:]
        blocks = [parse(text.partition("<eos>")[0]) for text in texts]
        for block in blocks:
            query, _, kind = block.analyze.rpartition(": ")[2].partition(" ")[0].partition("_")
            assert best_cells(block.payoff, query) == (f"{query}_{kind}",)
        first = blocks[0].analyze.rpartition(": ")[2].partition("_")[2]
        moves.append(first)
        own = [t for t, kept in zip(row.input_ids, row.mask, strict=True) if kept]
        written = chat.tokenizer.decode(own)
        assert written.count("<thinking>") == written.count("<response>") == len(blocks)
        assert written.count(MATRIX_END) == len(blocks)  # its form is always imitated
        numbers = len(re.findall(r'": -?\d', written))
        assert numbers in (0, 12 * len(blocks))
        imitated += numbers > 0
    assert 20 <= imitated <= 65  # one in ten of 400
    counts = np.array([moves.count(move) for move in sorted(set(moves))])
    assert len(counts) == 7  # without strategy still: chi squared, p = 0.001
    assert ((counts - 400 / 7) ** 2 / (400 / 7)).sum() < 22.5


def test_reasons_are_for_what_they_are_asked_for() -> None:
    for key in PAYOFF_KEYS:
        assert {best_cells(reason_for(key, RNG), key[:2]) for _ in range(20)} == {(key,)}


class Writer:
    """Writes canned turns, halted where it is told to, and remembers what it goes on from."""

    def __init__(self, chat: ChatTokens, turns: list[str], rest: str) -> None:
        self.chat, self.turns, self.rest = chat, turns, rest
        self.begun: list[str] = []

    def encode(self, text: str) -> Tokens:
        return list(self.chat.tokenizer.encode(text, add_special_tokens=False))

    def __call__(self, sequences: list[Tokens], until: str | None = None) -> list[Tokens]:
        end = self.chat.tokenizer.eos_token_id
        if until is None:
            self.begun = [self.chat.tokenizer.decode(sequence) for sequence in sequences]
            return [[*self.encode(self.rest), end] for _ in sequences]
        out = []
        for text in self.turns:
            halted, mark, _ = text.partition(until)
            out.append(self.encode(halted + mark) + ([] if mark else [end]))
        return out


MATRIX = {key: {"LLM": 1.5, "user": 2.0} for key in PAYOFF_KEYS}
BEGUN = f"<thinking>The question is vague.</thinking>\n<payoff>{json.dumps(MATRIX)}</payoff>"


def test_a_halted_turn_goes_on_from_its_edited_matrix(chat: ChatTokens) -> None:
    more = Edit(dict.fromkeys(PAYOFF_KEYS, 0.3), dict.fromkeys(PAYOFF_KEYS, 0.0), "a test")
    rest = "\n<analyze>The user has replied."
    writer = Writer(chat, [BEGUN + "gone", "The user has replied."], rest)
    prompt = writer.encode("\nUser: ")
    first, second = _steered(writer, chat.tokenizer, more, [prompt, prompt])
    text = chat.tokenizer.decode(first, skip_special_tokens=True)
    assert text == BEGUN.replace('"user": 2.0', '"user": 2.3') + rest
    assert writer.begun == ["\nUser: " + text.removesuffix(rest)]  # who had ended is not asked
    assert second == [*writer.encode("The user has replied."), chat.tokenizer.eos_token_id]


def test_an_edit_by_nothing_changes_no_token(chat: ChatTokens) -> None:
    none = Edit(dict.fromkeys(PAYOFF_KEYS, 0.0), dict.fromkeys(PAYOFF_KEYS, 0.0), "control")
    writer = Writer(chat, [BEGUN], "\n<analyze>")
    (row,) = _steered(writer, chat.tokenizer, none, [writer.encode("\nUser: ")])
    assert row[: len(writer.encode(BEGUN))] == writer.encode(BEGUN)


def test_order_is_spearmans_mean_of_both_sides() -> None:
    for _ in range(50):
        one, other = (payoff_of(list(RNG.integers(-2, 3, 12).astype(float))) for _ in range(2))
        both = [agreement(one, other, side).spearman or 0.0 for side in ("LLM", "user")]
        assert order_agreement(one, other) == pytest.approx(sum(both) / 2)
    flat = payoff_of([1.0] * 12)
    assert order_agreement(flat, exact_payoff(known_specs(RECIPE)[0])) == 0.0


def test_a_matrix_in_order_is_paid_for() -> None:
    recipe = small_recipe(calibration=2.0)
    played = Conversations(recipe, new_assistant(recipe, known_specs(recipe)).tokenizer)
    talk = open_talk(played.table, 0)
    talk.say_user(talk.word_user(UserMove.VQ))
    exact = exact_payoff(talk.conversation.spec)
    mirrored = payoff_of([-value for key in PAYOFF_KEYS for value in exact[key].values()])

    def reward(payoff: Any, rule: str | None = None, fault: str | None = None) -> float | None:
        block = None
        if rule is None:
            body = f"<thinking></thinking><payoff>{json.dumps(payoff)}</payoff>"
            block = parse(body + "<analyze></analyze><response>.</response>")
        rollout = Rollout(0, talk, [], turns=[Turn("", block, rule)], fault=fault)
        plain = rollout.score(played.welfare(rollout))
        (paid,) = played.rewards([rollout], 0)
        return None if paid is None or plain is None else paid - plain

    assert reward(exact) == pytest.approx(2.0)
    assert reward(mirrored) == pytest.approx(-2.0)
    assert reward(exact, rule="order") == 0.0
    assert reward(exact, fault="timeout") is None


def test_held_out_prices_are_imitated_and_measured_and_not_learnt_under() -> None:
    prices = ["subscription", "reasoning_api"]
    recipe = small_recipe(game={"pricing": prices, "held_out": ["reasoning_api"]})
    imitated = training_table(recipe, knowing=True)
    measured = [spec for table in held_out_tables(recipe) for spec in table.specs]
    for specs in (known_specs(recipe), imitated.specs, measured):
        assert [spec.regime.name for spec in specs] == prices
    learnt = training_table(recipe)
    assert {open_talk(learnt, i).conversation.spec.regime.name for i in range(20)} == {prices[0]}


@pytest.mark.parametrize(
    "changes",
    [
        {"sft": {"matrices": "read"}, "format": "none"},
        {"calibration": 1.0, "format": "none"},
        {"calibration": 1.0, "grpo": {"credit": "turn"}},
        {"game": {"held_out": ["per_token"]}},
        {"game": {"pricing": ["per_token"], "held_out": ["per_token"]}},
    ],
)
def test_what_needs_matrices_says_so(changes: dict[str, Any]) -> None:
    with pytest.raises(
        ValidationError, match=r"tiny model|matrices|whole conversations|regimes? (of|to)"
    ):
        small_recipe(**changes)


def test_cells_of_the_first_exchange() -> None:
    assert cell_of(UserMove.VQ, AssistantMove.CQ) == "VQ_CQ"


def test_generation_is_halted_where_the_matrix_ends(chat: ChatTokens) -> None:
    model, tokenizer = new_assistant(RECIPE, known_specs(RECIPE))
    ids = tokenizer.encode(BEGUN + "\n<analyze>", add_special_tokens=False)

    def likeliest(input_ids: Any, scores: Any) -> Any:  # a model that knows the turn by heart
        forced = torch.full_like(scores, -1e9)
        forced[:, ids[input_ids.shape[1] - 3]] = 0.0
        return forced

    import torch

    prompts = [tokenizer.encode(text) for text in ("\nUser: ", "\nUser: ")]
    stop = _written(MATRIX_END, tokenizer, 3)
    written = model.generate(
        input_ids=torch.tensor([[tokenizer.pad_token_id] * 2 + one for one in prompts]),
        max_new_tokens=80,
        logits_processor=[likeliest],
        stopping_criteria=[stop],
    )
    assert all(tokenizer.decode(row[3:]) == BEGUN for row in written)
