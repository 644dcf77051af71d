"""A game and its solution as text for a terminal of 80 columns, readable without colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gtalign_env.games.normal_form import FloatArray, NormalFormGame
from gtalign_training.console import safe

WIDTH = 80
"""Columns of a terminal; a table that is wider is turned, if that makes it narrower."""

LEGEND = (
    ("E", "equilibrium: neither side gains by another plan alone"),
    ("P", "Pareto: no other cell is better for one side and no worse for the other"),
    ("O", "optimum: greatest joint welfare, by one of the measures below"),
)

CLASS_WORDS = {
    "prisoner's dilemma": "each side's best plan hurts both",
    "stag hunt": "two stable outcomes, the better one needs trust",
    "coordination": "two stable outcomes, both sides prefer the same one",
    "chicken": "two stable outcomes, somebody has to give in",
    "battle of the sexes": "two stable outcomes, each side prefers its own",
    "harmony": "each side's best plan is best for both",
    "deadlock": "each side's best plan ends in both sides' second best",
    "cyclic": "no stable outcome without chance",
    "tied": "a side has equal payoffs that could tip it either way",
    "other": "an asymmetric game without a common name",
}


def render_solution(
    console: Console,
    game: NormalFormGame,
    solution: dict[str, Any],
    *,
    title: str,
    welfare: FloatArray | None = None,
    note: str | None = None,
) -> None:
    """Print a game's payoffs, with its equilibria, Pareto set and optima marked and explained.

    Args:
        console: Where to print.
        game: The game, of shape ``(m, n)``.
        solution: What `gtalign_env.games.solution.solve` gave for it.
        title: Heading of the table.
        welfare: A joint welfare to show as a third number in each cell, shape ``(m, n)``, points.
        note: A sentence about the payoffs, such as how far they are approximate.
    """
    console.print(payoff_table(game, solution, title, welfare, console.width))
    for mark, meaning in LEGEND:
        say(console, f"{mark}  {meaning}")
    if welfare is not None:
        say(console, "|  joint: mean joint welfare of the conversations, as the scenario sets it")
    if note:
        say(console, f"Note: {note}", indent=0)
    console.print()
    _facts(console, game, solution)
    console.print()
    _verdict(console, game, solution)


def payoff_table(
    game: NormalFormGame,
    solution: dict[str, Any],
    title: str,
    welfare: FloatArray | None,
    width: int = WIDTH,
) -> Table:
    """Return a game's payoffs as a table, with equilibria, Pareto set and optima marked.

    Where the columns have no room for their plans they are numbered, with a key below.

    Args:
        game: The game, of shape ``(m, n)``.
        solution: Its solution.
        title: Heading of the table.
        welfare: A joint welfare to show as a third number in each cell, shape ``(m, n)``, points.
        width: Of the terminal, characters.
    """
    marks = _marks(game, solution)
    longest = max(map(len, marks.values()))
    cells = {cell: _cell(game, cell, f"{mark:<{longest}}", welfare) for cell, mark in marks.items()}
    turned = _turns(game, cells, width)
    rows, columns = (
        (game.assistant_plans, game.user_plans)
        if turned
        else (game.user_plans, game.assistant_plans)
    )
    layout = "rows: assistant, columns: user" if turned else "rows: user, columns: assistant"
    shown = "user, assistant" if welfare is None else "user, assistant | joint"
    about = "points" if solution["exact"] else "points, approximate"
    heading = safe(f"{title}\npayoffs as {shown} ({about})\n{layout}")
    table = Table(title=heading, title_justify="left", title_style="")
    seats = ("assistant", "user") if turned else ("user", "assistant")
    marked = list(cells.values())
    numbered = _least_width(seats[0], rows, columns, marked) > width
    crowded = numbered and _least_width(seats[0], rows, [""] * len(columns), marked) > width
    least = len(seats[0])
    table.add_column(seats[0], style="bold", no_wrap=not crowded, overflow="fold", min_width=least)
    for number, name in enumerate(columns, start=1):
        table.add_column(f"{number}" if numbered else safe(name), justify="right", overflow="fold")
    if numbered:
        key = [f"{number:>3}  {name}" for number, name in enumerate(columns, start=1)]
        table.caption = safe("\n".join([f"plans of the {seats[1]}:", *key]))
        table.caption_justify, table.caption_style = "left", ""
    for r, name in enumerate(rows):
        places = [(c, r) if turned else (r, c) for c in range(len(columns))]
        table.add_row(safe(name), *(cells[place] for place in places))
    return table


def _turns(game: NormalFormGame, cells: dict[tuple[int, int], Text], width: int) -> bool:
    """Return whether the table has no room with the user's plans as rows, and needs less turned."""
    as_it_is = _width("user", game.user_plans, game.assistant_plans, cells)
    across = {(j, i): cell for (i, j), cell in cells.items()}
    turned = _width("assistant", game.assistant_plans, game.user_plans, across)
    return turned < as_it_is and as_it_is > width


def _width(
    first: str, rows: Sequence[str], columns: Sequence[str], cells: dict[tuple[int, int], Text]
) -> int:
    """Return the width of a table of which nothing is folded."""
    frame = 3  # a line and a space on both sides, of each column
    widest = [
        max(len(name), *(len(cells[i, j]) for i in range(len(rows))))
        for j, name in enumerate(columns)
    ]
    return max(map(len, (first, *rows))) + sum(widest) + (len(columns) + 1) * frame + 1


def _least_width(first: str, rows: Sequence[str], columns: Sequence[str], cells: list[Text]) -> int:
    """Return the width below which the words of a table's headings would be cut."""
    frame = 3
    number = max(len(word) for cell in cells for word in cell.plain.split())
    words = [max([number, *map(len, name.split())]) for name in columns]
    return max(map(len, (first, *rows))) + sum(words) + (len(words) + 1) * frame + 1


def _cell(
    game: NormalFormGame, cell: tuple[int, int], marks: str, welfare: FloatArray | None
) -> Text:
    text = f"{_number(game.user, cell)}, {_number(game.assistant, cell)}"
    if welfare is not None:
        text += f" | {_number(welfare, cell)}"
    return Text(f"{text} {marks}", style="bold" if "E" in marks else "")


def _marks(game: NormalFormGame, solution: dict[str, Any]) -> dict[tuple[int, int], str]:
    equilibria = {
        (found["user"].index(1.0), found["assistant"].index(1.0))
        for found in solution["equilibria"]
        if 1.0 in found["user"] and 1.0 in found["assistant"]
    }
    pareto = {tuple(cell) for cell in solution["pareto"]}
    optima = {tuple(cell) for cell in solution["optimum"].values()}
    return {
        cell: "".join(
            mark
            for mark, cells in (("E", equilibria), ("P", pareto), ("O", optima))
            if cell in cells
        )
        for cell in np.ndindex(*game.shape)
    }


def _number(values: FloatArray, cell: tuple[int, int]) -> str:
    """Return a payoff with as many decimals as its fellows need to be told apart."""
    if np.array_equal(values, np.round(values)):
        return f"{values[cell]:.0f}"
    spread = float(np.ptp(values))
    decimals = 2 if spread <= 0 else int(np.clip(2 - np.floor(np.log10(spread)), 2, 6))
    return f"{values[cell] + 0.0:.{decimals}f}"


def _facts(console: Console, game: NormalFormGame, solution: dict[str, Any]) -> None:
    heading(console, "Equilibria")
    for found in solution["equilibria"]:
        user = mixture(found["user"], game.user_plans)
        assistant = mixture(found["assistant"], game.assistant_plans)
        mean_user, mean_assistant = found["payoffs"]
        worth = f"user {mean_user:.4g}, assistant {mean_assistant:.4g}"
        say(console, f"{user} x {assistant}: {worth}")
    heading(console, "Dominant plans (best whatever the other side does)")
    for seat, plan in solution["dominant"].items():
        say(console, f"{seat}: {plan or 'none'}")
    heading(console, "Pareto set")
    say(console, ", ".join(_cell_name(game, cell) for cell in solution["pareto"]))
    heading(console, "Optimum (price of anarchy: its welfare over the worst equilibrium's)")
    for name, cell in solution["optimum"].items():
        price = solution["price_of_anarchy"][name]
        anarchy = (
            "undefined, as the worst equilibrium has no positive welfare"
            if price is None
            else f"{price:.4g}"
        )
        say(console, f"{name}: {_cell_name(game, cell)}; price of anarchy {anarchy}")


def _verdict(console: Console, game: NormalFormGame, solution: dict[str, Any]) -> None:
    dilemma = solution["dilemma"]
    heading(console, "Is it a dilemma?")
    if dilemma["social_dilemma"]:
        words = (
            "yes. Left to themselves, both sides end where another outcome would be better for one "
            "and no worse for the other."
        )
    else:
        words = "no. Some equilibrium wastes nothing: no cell is better for one and no worse for the other."
    say(console, f"Social dilemma: {words}")
    if not dilemma["strict_pd"]:
        say(console, "Strict prisoner's dilemma: none between two plans of each side.")
    for (user_c, user_d), (assistant_c, assistant_d) in dilemma["strict_pd"]:
        say(
            console,
            f"Strict prisoner's dilemma: with {user_c} or {user_d} against {assistant_c} or "
            f"{assistant_d}, {user_d} always pays the user more and {assistant_d} the assistant, "
            f"yet both would be better off with {user_c} and {assistant_c}.",
        )
    counts = Counter(dilemma["classes"].values())
    if counts:
        number = sum(counts.values())
        choices = f"all {number} choices" if number > 1 else "the only choice"
        say(console, f"Two plans of each side, {choices}:")
    for name, count in counts.most_common():
        say(console, f"{count:>3}  {name}: {CLASS_WORDS[name]}", indent=4)


def heading(console: Console, text: str) -> None:
    """Print a heading."""
    console.print(safe(text, "bold"))


def say(console: Console, text: str, indent: int = 2) -> None:
    """Print a sentence, its wrapped lines indented like the first."""
    console.print(Padding(safe(text), (0, 0, 0, indent), expand=False))


def mixture(probabilities: Sequence[float], plans: tuple[str, ...], least: float = 0.0) -> str:
    """Return a mixture as ``(0.25 VQ + 0.75 DQ)``, or the name of the plan that is sure.

    Args:
        probabilities: Of the plans.
        plans: Their names.
        least: Leave out what is not likelier than this.
    """
    played = [(p, plan) for p, plan in zip(probabilities, plans, strict=True) if p > least]
    if len(played) == 1:
        return played[0][1]
    return "(" + " + ".join(f"{p:.4g} {plan}" for p, plan in played) + ")"


def _cell_name(game: NormalFormGame, cell: list[int]) -> str:
    return f"{game.user_plans[cell[0]]} x {game.assistant_plans[cell[1]]}"
