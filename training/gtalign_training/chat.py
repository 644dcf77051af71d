"""From a talk to the tokens that a language model reads, turn by turn.

A conversation is one growing sequence: the prompt, then what the model wrote, token for token,
then the tokens that put the user's next message and the start of the next answer behind it.
Nothing is decoded and encoded again, so the model's own tokens stay what they were.
"""

from __future__ import annotations

from typing import Any

from gtalign_env.core.spec import GameSpec

Tokens = list[int]

FOUR_BLOCK_INSTRUCTIONS = (
    "You answer one user. Write exactly four blocks and nothing else: <thinking>, <payoff>, "
    "<analyze>, <response>. In <payoff> write one JSON object with the keys DQ_AQ, DQ_CQ, DQ_DA, "
    'VQ_AQ, VQ_CQ, VQ_DA, each {"LLM": number, "user": number}: what you and the user gain if '
    "the query is definite (DQ) or vague (VQ) and you answer directly (DA), ask a clarifying "
    "question (CQ), or answer and ask (AQ). Longer messages cost the user time and, depending on "
    "the price, money. In <analyze> name the cell you choose. In <response> write only what the "
    "user shall read."
)
"""What a model that was not taught the format is told."""


PRICING = "Pricing: "
"""What stands before the price in words."""


def system_message(spec: GameSpec, instructions: str = "") -> str:
    """Return the system message: the instructions, if any, and the price in words.

    Args:
        spec: The game; only its public price is used.
        instructions: What to put before it.
    """
    price = f"{PRICING}{spec.regime.description}"
    return f"{instructions}\n{price}" if instructions else price


class ChatTokens:
    """Renders a conversation in a tokenizer's chat format.

    Args:
        tokenizer: A Hugging Face tokenizer with a chat template.

    Raises:
        ValueError: The tokenizer has no chat template, or no end-of-text token.
    """

    def __init__(self, tokenizer: Any) -> None:
        if tokenizer.chat_template is None or tokenizer.eos_token_id is None:
            raise ValueError(
                "the tokenizer needs a chat template and an end-of-text token; "
                f"{tokenizer.name_or_path or type(tokenizer).__name__} lacks one. "
                "Use an instruction-tuned model"
            )
        self.tokenizer = tokenizer
        self._tail = self._after_answer()

    def prompt(self, system: str, user: str) -> Tokens:
        """Return the tokens up to the start of the first answer."""
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        return self._encode(self._render(messages, generate=True))

    def next_turn(self, user: str) -> Tokens:
        """Return the tokens between an answer that the model ended and the start of the next."""
        start, end = self._tail
        return self._encode(f"{start}{user}{end}")

    def decode(self, tokens: Tokens) -> tuple[str, bool]:
        """Return the text of an answer, and whether the model ended it.

        Args:
            tokens: What the model wrote, with or without its end-of-text token.
        """
        ended = bool(tokens) and tokens[-1] == self.tokenizer.eos_token_id
        text = self.tokenizer.decode(tokens[:-1] if ended else tokens, skip_special_tokens=False)
        return text, ended

    def _render(self, messages: list[dict[str, str]], generate: bool) -> str:
        return str(
            self.tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=generate
            )
        )

    def _encode(self, text: str) -> Tokens:
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def _after_answer(self) -> tuple[str, str]:
        """Return what stands before and after a user message that follows an answer."""
        mark = "\u2983user\u2984"
        head = [{"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"}]
        first = self._render(head, generate=False)
        whole = self._render([*head, {"role": "user", "content": mark}], generate=True)
        # templates may end an answer with more than the token that the model itself writes
        body = first[: first.rindex("answer") + len("answer")]
        if not whole.startswith(body):
            raise ValueError(
                "the tokenizer's chat template rewrites earlier answers, so a conversation cannot "
                "grow token by token; set a template that leaves them as they are"
            )
        start, end = whole[len(body) :].split(mark)
        return start.removeprefix(self.tokenizer.eos_token), end
