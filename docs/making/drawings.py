"""The game drawn: one exchange with both seats, the moves, the money. Moves and sums come from the rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from making.canvas import Theme, arrow, box, keep, plane, say, sheet

from gtalign_env import compile_scenario, load_scenario
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import NO_MOVE, AssistantMove, Ending, UserMove
from gtalign_env.core.state import State, legal_user_moves
from gtalign_env.draws import Draws, stream_key
from gtalign_env.money import PICO_PER_USD

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEANINGS = {
    "VQ": "vague query",
    "DQ": "definite query",
    "DA": "direct answer",
    "CQ": "clarifying question",
    "AQ": "answer and question",
    "REPLY": "says what is meant",
    "FOLLOW_UP": "asks on",
    "ACCEPT": "takes the answer",
    "LEAVE": "goes away",
}


def drawings(folder: Path, theme: Theme) -> list[Path]:
    """Draw the game; return the files."""
    return [exchange(folder, theme), moves(folder, theme), money(folder, theme)]


def _card(
    axes: Axes,
    theme: Theme,
    place: tuple[float, float, float, float],
    title: str,
    colour: str,
    fill: str,
) -> None:
    left, bottom, width, height = place
    box(axes, place, facecolor=fill, edgecolor=colour, linewidth=1.4, radius=0.12)
    say(
        axes,
        left + width / 2,
        bottom + height - 0.27,
        title,
        ha="center",
        weight="bold",
        color=colour,
        size=13,
    )


def exchange(folder: Path, theme: Theme) -> Path:
    """Draw one exchange: two seats, what each knows, and the price between them."""
    with sheet(8.4, 3.75, theme) as figure:
        axes = plane(figure, 0, 0, 8.4, 3.75)
        _card(axes, theme, (0.1, 1.2, 2.35, 2.4), "User", theme.user, theme.user_card)
        say(axes, 0.3, 3.0, "wants an answer", size=10.5)
        say(axes, 0.3, 2.68, "hidden from the assistant:", size=9.5, color=theme.faint)
        hidden = "worth of a right answer\ndislike of length\ndislike of questions\neffort of writing\nbudget, worth of a USD"
        say(axes, 0.3, 2.02, hidden, size=9.8)
        _card(
            axes, theme, (5.95, 1.2, 2.35, 2.4), "Assistant", theme.assistant, theme.assistant_card
        )
        say(axes, 6.15, 3.0, "answers, asks, or both", size=10.5)
        say(axes, 6.15, 2.68, "sees:", size=9.5, color=theme.faint)
        seen = "the price\nwhat was said, and how\nwhat was billed\nits own cost"
        say(axes, 6.15, 2.1, seen, size=9.8)
        arrow(axes, (2.55, 3.05), (5.85, 3.05), theme.user, linewidth=2)
        say(axes, 4.2, 3.25, "VQ · DQ · REPLY · FOLLOW_UP", ha="center", size=10, color=theme.user)
        arrow(axes, (5.85, 2.05), (2.55, 2.05), theme.assistant, linewidth=2)
        say(
            axes,
            4.2,
            2.25,
            "DA · AQ   concise, standard, verbose",
            ha="center",
            size=10,
            color=theme.assistant,
        )
        say(
            axes,
            4.2,
            1.85,
            "CQ   a question and no answer",
            ha="center",
            size=10,
            color=theme.assistant,
        )
        say(
            axes,
            4.2,
            2.66,
            "one exchange, at most max_exchanges",
            ha="center",
            size=9.5,
            color=theme.faint,
        )
        box(
            axes,
            (2.75, 0.95, 2.9, 0.56),
            facecolor=theme.card,
            edgecolor=theme.money,
            linewidth=1.4,
        )
        say(
            axes,
            4.2,
            1.23,
            "a price bills every exchange",
            ha="center",
            size=10.5,
            color=theme.money,
        )
        ends = "accepted · left · broke · truncated"
        say(axes, 4.2, 0.62, f"until it is  {ends}", ha="center", size=10)
        say(axes, 1.27, 0.86, "payoff U", ha="center", weight="bold", size=12.5, color=theme.user)
        say(
            axes,
            7.12,
            0.86,
            "payoff L",
            ha="center",
            weight="bold",
            size=12.5,
            color=theme.assistant,
        )
        arrow(axes, (1.95, 0.8), (3.55, 0.2), theme.faint, bend=0.18)
        arrow(axes, (6.45, 0.8), (4.85, 0.2), theme.faint, bend=-0.18)
        say(axes, 4.2, 0.17, "joint W(U, L)", ha="center", weight="bold", size=12.5)
        return keep(figure, folder, "exchange", theme)


def _after(answered: int) -> list[str]:
    """Return the user's legal moves after an assistant's move, by name, read off the rules."""
    return [move.label for move in legal_user_moves(State(answered=answered))]


def moves(folder: Path, theme: Theme) -> Path:
    """Draw who may do what after what."""
    with sheet(8.4, 3.9, theme) as figure:
        axes = plane(figure, 0, 0, 8.4, 3.9)
        for x, title in (
            (0.95, "the user opens"),
            (3.5, "the assistant"),
            (6.75, "the user    ↺ goes on   ■ ends"),
        ):
            say(axes, x, 3.72, title, ha="center", size=10.5, color=theme.faint)
        opens = {"VQ": 2.6, "DQ": 1.2}
        assert list(opens) == _after(NO_MOVE)
        kinds = {"DA": 3.05, "CQ": 1.9, "AQ": 0.75}
        for name, y in opens.items():
            _move(axes, theme, 0.1, y, name, theme.user, theme.user_card)
            for to in kinds.values():
                arrow(axes, (1.85, y), (2.55, to), theme.rule, linewidth=1.2)
        for kind, y in kinds.items():
            _move(axes, theme, 2.6, y, kind, theme.assistant, theme.assistant_card)
            if kind != "CQ":
                say(
                    axes,
                    3.5,
                    y - 0.43,
                    "concise, standard, verbose",
                    ha="center",
                    size=8.6,
                    color=theme.faint,
                )
            first = next(int(one) for one in AssistantMove if one.label.startswith(kind))
            names = _after(first)
            step = 0.32
            top = y + step * (len(names) - 1) / 2
            for index, name in enumerate(names):
                at = top - index * step
                arrow(axes, (4.4, y), (5.2, at), theme.rule, linewidth=1.2)
                ends = name in ("ACCEPT", "LEAVE")
                say(axes, 5.3, at, name, size=10, weight="bold", color=theme.user)
                say(axes, 6.5, at, "■" if ends else "↺", size=10, color=theme.faint)
                say(axes, 6.78, at, MEANINGS[name], size=9.2)
        return keep(figure, folder, "moves", theme)


def _move(
    axes: Axes, theme: Theme, left: float, y: float, name: str, colour: str, fill: str
) -> None:
    box(axes, (left, y - 0.28, 1.75, 0.56), facecolor=fill, edgecolor=colour, linewidth=1.2)
    say(axes, left + 0.875, y + 0.09, name, ha="center", weight="bold", size=11, color=colour)
    say(axes, left + 0.875, y - 0.13, MEANINGS[name], ha="center", size=8.6)


def money(folder: Path, theme: Theme) -> Path:
    """Draw where the money of one conversation goes, and what it does to both welfares."""
    spec = compile_scenario(load_scenario("quick_question"))
    talk = Conversation(spec, Draws(stream_key(spec.digest, seed=0), episode=0))
    talk.step_user(UserMove.DQ)
    talk.step_assistant(AssistantMove.DA_CONCISE, right=True)
    talk.step_user(UserMove.ACCEPT)
    assert talk.state.ending == Ending.ACCEPTED
    charge, cost = talk.state.charged / PICO_PER_USD, talk.state.cost / PICO_PER_USD
    type_ = talk.who
    user, assistant = talk.returns
    efforts = -type_.effort_definite
    paid = -type_.price_sensitivity * charge
    worth = type_.value
    margin = spec.margin_weight * (charge - cost)
    kept = assistant - margin
    assert abs(efforts + paid + worth - user) < 1e-9
    with sheet(8.4, 3.3, theme) as figure:
        axes = plane(figure, 0, 0, 8.4, 3.3)
        for left, title, what, colour, fill in (
            (0.1, "User", "budget, hard", theme.user, theme.user_card),
            (3.35, "Provider", "keeps the margin", theme.assistant, theme.assistant_card),
            (6.6, "Compute", "tokens at cost", theme.faint, theme.card),
        ):
            box(axes, (left, 2.2, 1.7, 0.8), facecolor=fill, edgecolor=colour, linewidth=1.4)
            say(axes, left + 0.85, 2.73, title, ha="center", weight="bold", size=12, color=colour)
            say(axes, left + 0.85, 2.44, what, ha="center", size=9.2)
        arrow(axes, (1.87, 2.6), (3.28, 2.6), theme.money, linewidth=2.2)
        say(axes, 2.57, 2.8, "charge", ha="center", size=10.5, color=theme.money, weight="bold")
        say(axes, 2.57, 2.4, f"{charge:.5f} USD", ha="center", size=9.2, color=theme.money)
        arrow(axes, (5.12, 2.6), (6.53, 2.6), theme.money, linewidth=2.2)
        say(axes, 5.82, 2.8, "cost", ha="center", size=10.5, color=theme.money, weight="bold")
        say(axes, 5.82, 2.4, f"{cost:.5f} USD", ha="center", size=9.2, color=theme.money)
        for y, name, total, colour, terms in (
            (
                1.35,
                "U",
                user,
                theme.user,
                ((efforts, "writing"), (paid, "λ · charge"), (worth, "a right answer")),
            ),
            (
                0.5,
                "L",
                assistant,
                theme.assistant,
                ((margin, "μ · (charge − cost)"), (kept, "the user is kept")),
            ),
        ):
            say(axes, 0.2, y, f"{name}  {total:.2f}", weight="bold", size=14, color=colour)
            for index, (value, what) in enumerate(terms):
                x = 2.35 + index * 2.1
                if index == 0:
                    say(axes, x - 0.68, y, "=", size=13, color=theme.faint, ha="center")
                text = f"{value:+.2f}".replace("-", "−")
                say(axes, x + 0.25, y + 0.1, text, ha="center", size=12.5, weight="bold")
                say(axes, x + 0.25, y - 0.19, what, ha="center", size=9.2, color=theme.faint)
        return keep(figure, folder, "money", theme)
