"""A chat as the text that a model in this process reads, by its tokenizer's own template."""

from __future__ import annotations

from typing import Any

from gtalign_agents.backends.chat import Message, Request
from gtalign_env.errors import RunError


def require_chat_template(tokenizer: Any, path: str) -> None:
    """Make sure that a tokenizer can render a chat.

    Args:
        tokenizer: A Hugging Face tokenizer.
        path: Where it comes from, for the message.

    Raises:
        RunError: It has no chat template, or no end-of-text token.
    """
    if tokenizer.chat_template is None or tokenizer.eos_token_id is None:
        raise RunError(
            f"{path}: its tokenizer needs a chat template and an end-of-text token. Use an "
            "instruction-tuned model"
        )


def prompt_text(request: Request, tokenizer: Any) -> str:
    """Return the text to be continued: the chat, and the turn's beginning where there is one.

    Args:
        request: What is asked.
        tokenizer: A Hugging Face tokenizer with a chat template.
    """
    messages = list(request.messages)
    if request.prefix:
        messages.append(Message("assistant", request.prefix))
    return str(
        tokenizer.apply_chat_template(
            [{"role": one.role, "content": one.content} for one in messages],
            tokenize=False,
            add_generation_prompt=not request.prefix,
            continue_final_message=bool(request.prefix),
        )
    )
