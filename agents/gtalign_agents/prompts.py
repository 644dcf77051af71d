"""What an assistant's language model is told, in training and in play."""

from __future__ import annotations

from gtalign_env.core.spec import GameSpec

PLAIN_INSTRUCTIONS = "You answer one user. Write only what the user shall read."

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
