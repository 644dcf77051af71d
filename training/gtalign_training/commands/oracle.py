"""`gtalign oracle`: the best an assistant can do that does not know who asks."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_env.core.moves import STYLES, in_turn
from gtalign_env.core.oracle import MOST_TYPES, BayesOracle, Decision, bayes_oracle
from gtalign_env.core.question_value import QuestionValue, question_values
from gtalign_env.core.views import InformationSet
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_training.commands.options import Folders, Json, Pricing
from gtalign_training.console import err, out, print_json, safe
from gtalign_training.legend import print_moves
from gtalign_training.progress import working

EXAMPLES = (
    "gtalign oracle help_desk",
    "gtalign oracle help_desk --pricing subscription --p-vague 0.8",
    "gtalign oracle help_desk --questions",
    "gtalign oracle help_desk --json",
)


LEGEND = (
    "user: how the messages look, all that is seen of who asks; leads by: points of W over the next "
    "best move; reached: share of conversations"
)
ASKING = (
    "; may ask: what being free to ask from here on is worth; asks now: what a question here "
    "gains over the best move without one, both in points of W"
)


def oracle(
    scenario: Annotated[str, typer.Argument(help="A scenario, by name or file.")],
    pricing: Pricing = None,
    p_vague: Annotated[
        float, typer.Option(help="How often the user opens with a vague query.", min=0, max=1)
    ] = 0.5,
    questions: Annotated[
        bool, typer.Option("--questions", help="Also tell what it is worth to ask, everywhere.")
    ] = False,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Solve for the assistant that maximises joint welfare, not knowing who asks.

    Exact dynamic programming over everything the assistant can tell apart, against the default
    user. Conversations of up to six exchanges.
    """
    loaded = load_scenario(scenario, path=path or ())
    if pricing is not None:
        loaded = loaded.with_pricing(load_pricing(pricing, path=path or ()))
    spec = compile_scenario(loaded)
    what = f"Solving {spec.max_exchanges} exchanges, up to {MOST_TYPES} types a persona"
    with working(err(), what, quiet=json):
        solved = bayes_oracle(spec, p_vague)
        values = question_values(spec, p_vague) if questions else None
    rows = decisions(solved)
    data: dict[str, Any] = {
        "scenario": spec.name,
        "pricing": spec.regime.name,
        "p_vague": p_vague,
        "exact": solved.exact,
        "value": solved.value._asdict(),
        "decisions": rows,
    }
    if values is not None:
        data["questions"] = _asking(values.overall)
        for row, (known, _) in zip(rows, on_path(solved), strict=True):
            row["questions"] = _asking(values.at(known))
    if json:
        print_json(data)
        return
    exactly = "exact" if solved.exact else "approximate: continuous types or lengths are binned"
    console = out()
    console.print(safe(f"{spec.name} under {spec.regime.name}: {spec.regime.description}"))
    console.print(
        safe(
            f"Greatest mean joint welfare W {solved.value.welfare:.4f} points ({exactly}); "
            f"there U {solved.value.user:.4f}, L {solved.value.assistant:.4f}"
        )
    )
    if questions:
        console.print(
            f"Without any question W {data['questions']['never']:.4f}: "
            f"being free to ask is worth {data['questions']['worth']:.4f}"
        )
    console.print(_table(rows))
    console.print(safe(LEGEND + (ASKING if questions else ""), "dim"))
    print_moves(console, [row["move"] for row in rows])


def _asking(value: QuestionValue) -> dict[str, float]:
    return {**value._asdict(), "worth": value.worth, "gain_now": value.gain_now}


def decisions(solved: BayesOracle) -> list[dict[str, Any]]:
    """Return what the oracle does wherever its own play leads, most frequent first.

    Args:
        solved: The oracle.
    """
    reached = on_path(solved)
    return [
        {
            "style": STYLES[known.style],
            "history": " ".join(
                move.label for _, move in in_turn(known.user_moves, known.assistant_moves)
            ),
            "informed": known.informed,
            "move": decision.move.label,
            "margin": decision.margin,
            "probability": decision.probability,
        }
        for known, decision in reached
    ]


def on_path(solved: BayesOracle) -> list[tuple[InformationSet, Decision]]:
    """Return the decisions that the oracle's own play reaches, by falling probability.

    Args:
        solved: The oracle.
    """
    after = defaultdict(list)
    for known in solved.decisions:
        after[known.style, known.user_moves[:-1], known.assistant_moves].append(known)
    ahead = [known for known in solved.decisions if not known.assistant_moves]
    found = []
    while ahead:
        known = ahead.pop()
        decision = solved.decisions[known]
        found.append((known, decision))
        made = (*known.assistant_moves, decision.move)
        ahead += after[known.style, known.user_moves, made]
    return sorted(found, key=lambda item: -item[1].probability)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("user", "so far", "best move", "leads by", "reached"):
        table.add_column(name, no_wrap=name != "so far")
    asking = bool(rows) and "questions" in rows[0]
    for name in ("may ask", "asks now") if asking else ():
        table.add_column(name, justify="right")
    for row in rows:
        worth = row.get("questions", {})
        table.add_row(
            row["style"],
            row["history"],
            row["move"],
            f"{row['margin']:.3f}",
            f"{row['probability']:.1%}",
            *(f"{worth[key]:+.3f}" for key in ("worth", "gain_now") if key in worth),
        )
    return table
