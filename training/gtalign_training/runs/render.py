"""A run's summary as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gtalign_env.money import format_money, to_usd
from gtalign_training.console import safe
from gtalign_training.legend import BROKE, print_moves

if TYPE_CHECKING:
    from gtalign_training.runs.forecast import Forecast

SIDES = (("user", "user's U"), ("assistant", "assistant's L"), ("joint", "joint W"))


def render_forecast(console: Console, found: Sequence[Forecast], tries: int, nobody: str) -> None:
    """Print what models may cost at most.

    Args:
        console: Where to print.
        found: Model by model.
        tries: Most tries of one call.
        nobody: What to say where no model is asked.
    """
    for one in found:
        cost = "price unknown, see --model-price" if one.cost is None else format_money(one.cost)
        line = (
            f"the {one.seat}'s model: {one.calls:,} calls, {one.input:,} tokens in, "
            f"{one.output:,} out: {cost}"
        )
        console.print(safe(line), soft_wrap=True)
    if not found:
        console.print(f"{nobody}: 0 calls, 0 USD")
    elif tries > 1:
        console.print(safe(f"Failed tries, of which a call has up to {tries - 1}, apart."))


def render_summary(console: Console, summary: dict[str, Any]) -> None:
    """Print a summary, most important numbers first.

    Args:
        console: Where to print.
        summary: What `gtalign_training.runs.run.run` returned.
    """
    regimes = ", ".join(summary["pricing"])
    console.print(
        safe(f"{summary['scenario']} under {regimes}: {summary['user']} x {summary['assistant']}")
    )
    console.print(safe(f"{summary['valid']} conversations, seed {summary['seed']}", "dim"))
    if summary["faults"]:
        kinds = _counted(summary["faults"])
        console.print(safe(f"faults, left out of all numbers: {kinds}", "bold red"))
    for seat, side in summary.get("seats", {}).items():
        if side["faults"]:
            console.print(safe(f"  in the {seat}'s seat: {_counted(side['faults'])}", "red"))
    if "welfare" not in summary:
        return
    console.print(_welfares(summary["welfare"]))
    console.print(_moves(summary["moves"]))
    for title, field in (("regime", "by_regime"), ("persona", "by_persona")):
        if len(summary[field]) > 1:
            console.print(_split(title, summary[field]))
    endings = ", ".join(f"{n} {share:.1%}" for n, share in summary["endings"].items() if share)
    tokens, bill = summary["tokens"], summary["bill_usd"]
    console.print(safe(f"Endings: {endings}"))
    console.print(
        safe(
            f"A conversation: {summary['exchanges']:.2f} exchanges, {tokens['output']:.0f} tokens "
            f"of messages to the user, {tokens['reasoning']:.0f} of reasoning"
        )
    )
    console.print(
        safe(f"Its bill: {bill['charged']:.5f} USD; the provider's cost: {bill['cost']:.5f} USD")
    )
    for seat, side in summary.get("seats", {}).items():
        _print_seat(console, seat, side)
    if "matrices" in summary:
        _print_matrices(console, summary["matrices"])
    print_moves(console, [name for moves in summary["moves"].values() for name in moves])
    if summary["endings"].get("broke"):
        console.print(safe(BROKE, "dim"), soft_wrap=True)


def _print_seat(console: Console, seat: str, side: dict[str, Any]) -> None:
    if side["labels"]:
        of = f"of {side['messages']:,} messages of the {seat}"
        console.print(safe(f"Labels {of}: {_counted(side['labels'])}"), soft_wrap=True)
    if "user_error" in side and side["user_error"]["messages"]:
        share = side["user_error"]["share"]
        console.print(safe(f"The simulated user is in error in {share:.1%} of its messages"))
    print_model(console, seat, side["model"])


def print_model(console: Console, seat: str, model: dict[str, Any], digits: int = 4) -> None:
    """Print what a seat's model was asked and what that cost; nothing where it was not asked.

    Args:
        console: Where to print.
        seat: Whose model.
        model: Its part of a summary.
        digits: Decimals of a cost, USD.
    """
    if not model["calls"]:
        return
    tokens, cost = model["tokens"], model["cost_pico_usd"]
    line = (
        f"The {seat}'s model: {model['calls']:,} calls, {tokens['input']:,} tokens in, "
        f"{tokens['output'] + tokens['reasoning']:,} out"
    )
    if model["estimated"]:
        line += f" ({model['estimated']:,} calls estimated)"
    if cost is not None:
        line += f", {to_usd(cost):.{digits}f} USD"
    console.print(safe(line), soft_wrap=True)


def _print_matrices(console: Console, found: dict[str, Any]) -> None:
    scored, choice = found["calibration"], found["choice"]
    line = (
        f"Written matrices: {found['written']:,} in {found['turns']:,} messages, "
        f"{found['distinct']:,} different, {found['top_share']:.1%} the same"
    )
    console.print(safe(line), soft_wrap=True)
    for seat in ("user", "assistant"):
        one = scored[seat]
        rank = one["spearman"]
        order = "no order" if rank is None else f"rank correlation {_interval(rank)}"
        off = "" if one["error"] is None else f", off by {_interval(one['error'])} points a cell"
        console.print(safe(f"  the {seat}'s payoffs against the exact ones: {order}{off}"))
    parts = [f"{choice['best_cell_played']:.1%} of turns play their best cell"]
    if choice["mismatch"] is not None:
        parts.append(f"{choice['mismatch']:.1%} another move than the cell they name")
    console.print(safe(f"  {'; '.join(parts)}"), soft_wrap=True)


def _interval(one: dict[str, float]) -> str:
    return f"{one['mean']:.2f} ({one['low']:.2f} to {one['high']:.2f})"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        table.add_column(safe(name), justify="right" if index else "left", no_wrap=True)
    return table


def _welfares(welfare: dict[str, dict[str, float]]) -> Table:
    table = _table("points a conversation", "mean", "95 % interval")
    for key, name in SIDES:
        one = welfare[key]
        table.add_row(name, f"{one['mean']:.3f}", f"{one['low']:.3f} to {one['high']:.3f}")
    return table


def _moves(moves: dict[str, dict[str, float]]) -> Table:
    table = _table("share of moves", "user's", "share of moves", "assistant's")
    table.columns[2].justify = "left"
    sides = [
        [(name, f"{share:.1%}") for name, share in moves[seat].items() if share]
        for seat in ("user", "assistant")
    ]
    for index in range(max(map(len, sides))):
        cells = [side[index] if index < len(side) else ("", "") for side in sides]
        table.add_row(*(text for cell in cells for text in cell))
    return table


def _split(title: str, parts: dict[str, dict[str, float]]) -> Table:
    table = _table(title, "conversations", *(name for _, name in SIDES))
    for name, part in parts.items():
        numbers = (f"{part[key]:.3f}" for key, _ in SIDES)
        table.add_row(safe(name), f"{part['episodes']:.0f}", *numbers)
    return table
