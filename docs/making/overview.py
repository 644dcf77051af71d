"""The twenty-second picture: what is played, what can be solved, what is learnt. All of it is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from making.canvas import Theme, box, keep, lines, plane, say, sheet

from gtalign_agents.dialogue.play import play
from gtalign_agents.dialogue.speaker import ScriptedAssistant, ScriptedUser
from gtalign_env.core.moves import in_turn
from gtalign_env.core.policies import assistant_policy, user_policy
from gtalign_env.draws import Seat
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.money import PICO_PER_USD
from gtalign_training.run_folder import RunFolder
from gtalign_training.studies.folder import StudyFolder
from gtalign_training.studies.maps import picture_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCENARIO, SEED = "help_desk", 1000003
TALKS = (
    ("reasoning_api", 8, "Price by the token"),
    ("reasoning_free_questions", 62, "Questions are free"),
)
"""Two conversations of the same kind of user with the same question under two prices."""

CLOSINGS = {"ACCEPT": "accepts", "LEAVE": "leaves"}


class Line(NamedTuple):
    """One message: who, which move, what was said, and what the exchange cost the user, USD."""

    seat: Seat
    move: str
    text: str
    charge: float | None


class Talked(NamedTuple):
    """A conversation that was played."""

    lines: list[Line]
    user: float
    assistant: float
    joint: float
    charged: float


def talked(pricing: str, episode: int) -> Talked:
    """Play a conversation: the default user and the optimal assistant, in scripted words."""
    table = TalkTable(SCENARIO, pricing, "general_knowledge", covered_only=True)
    table.seed(SEED)
    talk = table.talk(table.open(episode))
    dialogue = play(
        [talk],
        ScriptedUser(user_policy("default", p_vague=1.0)),
        ScriptedAssistant(assistant_policy("oracle")),
    )[0]
    conversation = talk.conversation
    charges = iter(
        [
            -line.amount / PICO_PER_USD
            for line in conversation.ledger.lines
            if line.account is Seat.USER
        ]
    )
    moves = in_turn(conversation.user_moves, conversation.assistant_moves)
    texts = [line.partition(": ")[2] for line in talk.public_lines()[1:]]
    shown = [
        Line(seat, move.label, text, next(charges) if seat is Seat.ASSISTANT else None)
        for (seat, move), text in zip(moves, texts, strict=True)
    ]
    user, assistant = conversation.returns
    joint = conversation.spec.welfare(user, assistant)
    assert dialogue.is_over
    return Talked(shown, user, assistant, joint, conversation.state.charged / PICO_PER_USD)


def chat(axes: Axes, theme: Theme, one: Talked, title: str, width: float, height: float) -> None:
    """Draw a conversation with its bill and both welfares, in a card."""
    box(axes, (0, 0, width, height), facecolor=theme.card, edgecolor=theme.rule, radius=0.12)
    say(axes, 0.16, height - 0.25, title, weight="bold", size=11.5)
    total = f"bill {one.charged * 100:.2f} ¢"
    say(axes, width - 0.16, height - 0.25, total, ha="right", color=theme.money, size=10.5)
    y = height - 0.55
    for line in one.lines:
        is_user = line.seat is Seat.USER
        said = lines(line.text, 24)
        tall = 0.19 * len(said) + 0.14
        broad = min(width - 0.62, 0.083 * max(map(len, said)) + 0.28)
        left = 0.16 if is_user else width - 0.16 - broad
        y -= tall
        card = theme.user_card if is_user else theme.assistant_card
        box(axes, (left, y, broad, tall), facecolor=card)
        say(axes, left + 0.13, y + tall / 2, "\n".join(said), size=10)
        note = line.move if line.charge is None else f"{line.move}\n{line.charge * 100:.2f} ¢"
        beside = (left + broad + 0.07) if is_user else left - 0.07
        colour = theme.user if is_user else theme.assistant
        say(
            axes,
            beside,
            y + tall / 2,
            note,
            size=7.6,
            color=colour,
            ha="left" if is_user else "right",
        )
        y -= 0.1
    names = (
        ("user's welfare U", one.user, theme.user),
        ("assistant's L", one.assistant, theme.assistant),
        ("joint W", one.joint, theme.ink),
    )
    for index, (name, value, colour) in enumerate(names):
        at = 0.72 - 0.25 * index
        say(axes, 1.42, at, name, ha="right", size=9.2, color=theme.faint)
        box(
            axes,
            (1.52, at - 0.075, max(value, 0.02) / 4.6 * (width - 2.2), 0.15),
            facecolor=colour,
            radius=0.03,
        )
        say(
            axes,
            1.6 + max(value, 0.02) / 4.6 * (width - 2.2),
            at,
            f"{value:.2f}",
            size=9.6,
            weight="bold",
            color=colour,
        )


def phase(axes: Axes, theme: Theme, study: StudyFolder) -> None:
    """Draw where a price makes a prisoner's dilemma."""
    from matplotlib.colors import ListedColormap

    shown = picture_of(study, "restriction")
    panel = shown.panels[0]
    assert panel.codes is not None
    assert shown.y is not None
    dilemma = shown.names.index("prisoner's dilemma")
    inside = (panel.codes == dilemma).astype(float)
    x = np.linspace(shown.x.numbers[0], shown.x.numbers[-1], inside.shape[1])
    y = np.linspace(shown.y.numbers[0], shown.y.numbers[-1], inside.shape[0])
    axes.pcolormesh(
        x, y, inside, cmap=ListedColormap([theme.card, theme.region]), shading="nearest"
    )
    axes.set_ylim(0, 1)
    axes.text(
        7.3,
        0.55,
        "prisoner's\ndilemma",
        color="white",
        ha="center",
        va="center",
        weight="bold",
        size=10.5,
    )
    axes.text(
        22.5,
        0.55,
        "not of these\nfour plans",
        color=theme.faint,
        ha="center",
        va="center",
        size=9.5,
    )
    axes.set_xlabel("price of output, USD per 1M tokens", size=9)
    axes.set_ylabel("dislike of length,\npoints / 100 tokens", size=8.5)
    axes.set_yticks([0, 0.5, 1])
    axes.tick_params(labelsize=8.5)


def curve(axes: Axes, theme: Theme, run: RunFolder) -> None:
    """Draw how welfare grew in training, towards the exact optimum."""
    rows = [row for row in run.metrics("ppo") if row.get("joint_welfare") is not None]
    steps = np.array([row["step"] for row in rows]) / 1000
    result = run.read("evaluation.json")
    for key, name, colour, width in (
        ("assistant_welfare", "assistant L", theme.assistant, 1.6),
        ("joint_welfare", "joint W", theme.ink, 2.4),
        ("user_welfare", "user U", theme.user, 1.6),
    ):
        values = np.array([row[key] for row in rows])
        kernel = np.ones(5) / 5
        smooth = np.convolve(np.pad(values, 2, mode="edge"), kernel, mode="valid")
        axes.plot(steps, smooth, color=colour, linewidth=width)
        axes.text(
            steps[-1] * 1.02, smooth[-1], name, color=colour, va="center", size=9, weight="bold"
        )
    optimum = result["optimum"]["welfare"]
    axes.axhline(optimum, color=theme.ink, linestyle=(0, (4, 3)), linewidth=1.1)
    axes.text(steps[-1], optimum + 0.16, "exact optimum", size=8.5, color=theme.faint, ha="right")
    axes.set_xlim(0, steps[-1])
    axes.set_xlabel("thousand steps", size=9)
    axes.set_ylabel("points", size=9)
    axes.grid(axis="y")
    axes.tick_params(labelsize=8.5)


def overview(folder: Path, theme: Theme, study: StudyFolder, run: RunFolder) -> Path:
    """Draw the whole picture; return its file."""
    with sheet(11.0, 5.35, theme) as figure:
        tall, wide = 4.32, 3.34
        top = plane(figure, 0, tall + 0.1, 11.0, 5.35 - tall - 0.1)
        say(
            top,
            0.12,
            0.56,
            "Same user, same question, another price",
            weight="bold",
            size=14,
            va="baseline",
        )
        say(
            top,
            0.12,
            0.27,
            "Each side has a payoff; the optimal assistant changes its move.",
            size=10.5,
            color=theme.faint,
        )
        for index, (pricing, episode, title) in enumerate(TALKS):
            left = 0.12 + index * (wide + 0.14)
            axes = plane(figure, left, 0.12, wide, tall - 0.05)
            chat(axes, theme, talked(pricing, episode), title, wide, tall - 0.05)
        side = plane(figure, 7.3, 0, 3.7, 5.35)
        say(side, 0, 4.98, "Solve it", weight="bold", size=14, va="baseline")
        say(
            side, 0, 4.69, "Which prices make a dilemma of four plans", size=10.5, color=theme.faint
        )
        say(side, 0, 2.49, "Train on it", weight="bold", size=14, va="baseline")
        say(side, 0, 2.2, "A policy learns what to do at which price", size=10.5, color=theme.faint)
        upper = figure.add_axes((7.98 / 11, 3.28 / 5.35, 2.88 / 11, 1.2 / 5.35))
        phase(upper, theme, study)
        lower = figure.add_axes((7.98 / 11, 0.5 / 5.35, 2.05 / 11, 1.5 / 5.35))
        curve(lower, theme, run)
        return keep(figure, folder, "overview", theme)


def parts(folder: Path, theme: Theme, study: StudyFolder, run: RunFolder) -> list[Path]:
    """Draw the panels one by one, for narrow screens; return their files."""
    made = []
    for pricing, episode, title in TALKS:
        with sheet(3.5, 4.35, theme) as figure:
            axes = plane(figure, 0.05, 0.04, 3.4, 4.27)
            chat(axes, theme, talked(pricing, episode), title, 3.4, 4.27)
            made.append(keep(figure, folder, f"talk_{pricing}", theme))
    with sheet(5.2, 3.0, theme) as figure:
        phase(figure.add_axes((0.13, 0.18, 0.83, 0.78)), theme, study)
        made.append(keep(figure, folder, "phase", theme))
    with sheet(5.2, 3.0, theme) as figure:
        curve(figure.add_axes((0.11, 0.18, 0.68, 0.78)), theme, run)
        made.append(keep(figure, folder, "learning", theme))
    return made
