"""The public side of a conversation as lines of text: moves, lengths and the bill, no type."""

from __future__ import annotations

from gtalign_env.core.conversation import Conversation
from gtalign_env.draws import Seat
from gtalign_env.money import format_money


def lines(conversation: Conversation, texts: list[str] | None = None) -> list[str]:
    """Return the conversation so far, one line a message, and how it ended.

    Args:
        conversation: The conversation.
        texts: What was said, message by message; None where nothing is put into words.
    """
    spec = conversation.spec
    out = [f"{spec.name} under {spec.regime.name}"]
    paid = [-line.amount for line in conversation.ledger.lines if line.account is Seat.USER]
    moves: list[tuple[str, str]] = []
    for index, move in enumerate(conversation.user_moves):
        moves.append(("user", move.label))
        if index < len(conversation.assistant_moves):
            charge = f"  {format_money(paid[index])}" if index < len(paid) else "  not delivered"
            moves.append(("assistant", conversation.assistant_moves[index].label + charge))
    for index, (seat, move_text) in enumerate(moves):
        said = f"  {texts[index]}" if texts is not None and index < len(texts) else ""
        out.append(f"{seat:>9}  {move_text}{said}")
    if conversation.state.ending is not None:
        total = format_money(conversation.state.charged)
        out.append(f"{'':>9}  {conversation.state.ending.name.lower()}, billed {total}")
    return out
