"""From a talk to the tokens that a language model reads, turn by turn.

A conversation is one growing sequence: the prompt, then what the model wrote, token for token,
then the tokens that put the user's next message and the start of the next answer behind it.
Nothing is decoded and encoded again, so the model's own tokens stay what they were.
"""

from __future__ import annotations

from typing import Any

Tokens = list[int]


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
