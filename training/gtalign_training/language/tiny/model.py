"""The tiny model and its tokenizer, built from nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gtalign_training.language.tiny.language import ASSISTANT_TURN, END, PAD, UNKNOWN, USER_TURN

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] }}"
    "{% elif message['role'] == 'user' %}{{ '" + USER_TURN.replace("\n", "\\n") + "' }}{{ message['content'] }}"
    "{% else %}{{ '" + ASSISTANT_TURN.replace("\n", "\\n") + "' }}{{ message['content'] }}{{ '" + END + "' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '" + ASSISTANT_TURN.replace("\n", "\\n") + "' }}{% endif %}"
)  # fmt: skip

RESPONSE_TEMPLATE = {
    "defaults": {"role": "assistant"},
    "start_anchor": ASSISTANT_TURN,
    "fields": {"content": {"close": END, "content": "text"}},
}
"""Where a completion's text lies, for servers: without it they take the chat format of Qwen3, whose
architecture this is, find none of its marks, and give the prompt back as part of the answer."""

LENGTH = 512
"""Longest sequence, tokens."""


def build_tokenizer(pieces: list[str]) -> PreTrainedTokenizerFast:
    """Return a tokenizer with one token per piece; other text becomes unknown tokens.

    The block tags are ordinary vocabulary: special tokens would be dropped when a trainer decodes
    completions for its reward.

    Args:
        pieces: The vocabulary, longest first.
    """
    from tokenizers import Regex, Tokenizer, decoders
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: i for i, token in enumerate((PAD, END, UNKNOWN, *pieces))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    pattern = "|".join(re.escape(piece) for piece in pieces)
    tokenizer.pre_tokenizer = Split(Regex(pattern), "isolated")
    tokenizer.decoder = decoders.Fuse()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=LENGTH,
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.response_template = RESPONSE_TEMPLATE
    return fast


def build_model(
    tokenizer: PreTrainedTokenizerFast, *, layers: int, hidden: int, seed: int
) -> PreTrainedModel:
    """Return a Qwen3 model with random weights.

    Args:
        tokenizer: Gives the vocabulary.
        layers: Number of layers.
        hidden: Width; heads are 32 wide, the least that other engines serve.
        seed: Seed of the weights.
    """
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=max(1, hidden // 32),
        num_key_value_heads=max(1, hidden // 32),
        head_dim=32,
        max_position_embeddings=LENGTH,
        # separate output rows: what is learnt of a choice at one price must not leak to another
        tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Qwen3ForCausalLM(config)
