"""`gtalign demo`: the whole project in a few minutes, told on the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.rule import Rule

from gtalign_agents.dialogue.play import play
from gtalign_agents.dialogue.speaker import ScriptedAssistant, ScriptedUser
from gtalign_env.core.exact import normal_form
from gtalign_env.core.moves import in_turn
from gtalign_env.core.policies import assistant_policy, user_policy
from gtalign_env.draws import Seat
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.games.normal_form import NormalFormGame, best_cell
from gtalign_env.games.solution import solve as solution_of
from gtalign_env.money import format_money
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_training.console import err, out, point_to_report, safe
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.render.game import payoff_table

EXAMPLES = ("gtalign demo", "gtalign demo --out runs/demo --seed 1")

SHOWN_TALK = 6
"""Which held-out conversation is shown: one in which asking back pays."""


def demo(
    out_folder: Annotated[Path, typer.Option("--out", help="Run folder.", metavar="DIR")] = Path(
        "runs/demo"
    ),
    seed: Annotated[int, typer.Option(help="Seed of the training.", min=0)] = 0,
) -> None:
    """Solve a priced game, train a tiny assistant on it, show what changed."""
    from gtalign_training.commands.train import with_options
    from gtalign_training.pipeline import run
    from gtalign_training.progress import progress_bars
    from gtalign_training.render.run import render_run

    recipe = with_options(load_recipe("tiny-grpo"), seed=seed)
    console = out()
    _heading(console, "1. The game: one help desk, three prices")
    console.print(
        safe("E: equilibrium, P: nothing is better for both, O: best by a joint measure\n")
    )
    for pricing in recipe.game.pricing:
        _show_game(console, recipe.game.scenario, pricing)
    _heading(console, "2. One conversation: words, bill, and what each side makes of it")
    _show_talk(console, recipe)
    _heading(console, "3. Training a tiny assistant: SFT, then GRPO on both sides' welfare")
    folder_path = _fresh(out_folder)
    with progress_bars(err()) as progress:
        folder = run(
            recipe, folder_path, progress=progress, say=lambda line: err().print(safe(line))
        )
    result = folder.read("evaluation.json")
    _heading(console, "4. What changed")
    render_run(console, result)
    _heading(console, "5. What it means")
    console.print(safe(meaning(result)))
    console.print(safe(f"\nEverything lies in {folder.path}:"))
    for name, what in (
        ("plots/learning_curves.png", "welfare of both sides while training"),
        ("plots/move_mix.png", "what the assistant does at which price, before and after"),
        ("plots/welfare.png", "both welfares beside baselines and optimum"),
        ("transcripts-after.jsonl", "every held-out conversation, word by word"),
        ("metrics.jsonl, tensorboard/", "every training step"),
        ("model/", "the trained model, as transformers loads it"),
    ):
        console.print(safe(f"  {name:<28} {what}"))
    point_to_report(folder.path)


def _fresh(folder: Path) -> Path:
    """Return the folder, or the first free one beside it: a demo never overwrites a run."""
    number, free = 2, folder
    while (free / "recipe.json").exists():
        free = folder.with_name(f"{folder.name}-{number}")
        number += 1
    return free


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Rule(safe(text, "bold"), align="left"))


def _show_game(console: Console, scenario: str, pricing: str) -> None:
    spec = compile_scenario(load_scenario(scenario).with_pricing(load_pricing(pricing)))
    matrix = normal_form(spec)
    game = matrix.game
    solution = solution_of(game, exact=matrix.exact)
    title = f"{scenario} under {pricing}: {spec.regime.description}"
    console.print(payoff_table(game, solution, title, matrix.welfare))
    console.print(safe(verdict(game, solution)))
    best = best_cell(game, matrix.welfare)
    console.print(
        safe(
            f"  Best for both together (O by mean joint welfare): {game.user_plans[best.user]} x "
            f"{game.assistant_plans[best.assistant]}.\n"
        )
    )


def verdict(game: NormalFormGame, solution: dict[str, Any]) -> str:
    """Return in words where both sides end if each looks to itself, and what that wastes.

    Args:
        game: The game.
        solution: Its solution.
    """
    lines = []
    equilibria = solution["equilibria"]
    for found in equilibria:
        plans = []
        for seat, names in (("user", game.user_plans), ("assistant", game.assistant_plans)):
            played = [
                f"{p:.0%} {name}" if p < 1 else name
                for p, name in zip(found[seat], names, strict=True)
                if p > 0
            ]
            plans.append(" / ".join(played))
        user, assistant = found["payoffs"]
        lines.append(
            f"  Equilibrium (E): user {plans[0]}, assistant {plans[1]}: "
            f"U {user:.2f}, L {assistant:.2f}"
            + (". The user would rather not have come." if user < 0 else ".")
        )
    dilemma = solution["dilemma"]
    if dilemma["strict_pd"]:
        (user_c, user_d), (assistant_c, assistant_d) = dilemma["strict_pd"][0]
        lines.append(
            f"  Prisoner's dilemma: {user_d} and {assistant_d} always pay each side more than "
            f"{user_c} and {assistant_c}, and leave both worse off."
        )
    elif dilemma["social_dilemma"]:
        lines.append("  Social dilemma: another outcome would be better for both sides.")
    elif any(_worse_for_both(one, other) for one in equilibria for other in equilibria):
        lines.append(
            "  Coordination: one equilibrium is better for both sides than another, and neither side "
            "gets there alone."
        )
    else:
        lines.append("  No dilemma: there is an equilibrium that no outcome beats for both sides.")
    return "\n".join(lines)


def _worse_for_both(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(a < b for a, b in zip(one["payoffs"], other["payoffs"], strict=True))


def _show_talk(console: Console, recipe: Recipe) -> None:
    table = TalkTable(
        recipe.game.scenario, recipe.game.pricing[0], recipe.game.tasks, covered_only=True
    )
    table.seed(recipe.evaluation.seed)
    talk = table.talk(table.open(SHOWN_TALK))
    # the default user and the Bayes oracle, in scripted words
    user_seat = ScriptedUser(user_policy("default", p_vague=1.0))
    play([talk], user_seat, ScriptedAssistant(assistant_policy("oracle")))
    console.print(safe(f"Price: {talk.conversation.spec.regime.description}"))
    names = {Seat.USER: "User", Seat.ASSISTANT: "Assistant"}
    conversation = talk.conversation
    user = assistant = 0.0
    bills = iter(-line.amount for line in conversation.ledger.lines if line.account is Seat.USER)
    moves = in_turn(conversation.user_moves, conversation.assistant_moves)
    turns = zip(talk.messages, moves, conversation.rewards, strict=True)
    for message, (_, move), (du, dl) in turns:
        user, assistant = user + du, assistant + dl
        paid = f", billed {format_money(next(bills, 0))}" if message.seat is Seat.ASSISTANT else ""
        console.print(safe(f"{names[message.seat]} [{move.label}]: {message.text}"))
        console.print(safe(f"    U {user:+.2f}  L {assistant:+.2f}{paid}", "dim"))
    assert conversation.state.ending is not None
    console.print(
        safe(
            f"Ended: {conversation.state.ending.name.lower()}; billed "
            f"{format_money(conversation.state.charged)} in all, which cost the provider "
            f"{format_money(conversation.state.cost)}. U {user:.2f}, L {assistant:.2f}, "
            f"W {conversation.spec.welfare(user, assistant):.2f}."
        )
    )


def meaning(result: dict[str, Any]) -> str:
    """Return what a run's numbers say, in words.

    Args:
        result: Content of ``evaluation.json``.
    """
    rows = {row["name"]: row for row in result["rows"]}
    before, after = rows["before"], rows["after"]
    share = after["gap_closed"]

    def change(side: str) -> str:
        return f"{before[side][0]:.2f} to {after[side][0]:.2f}"

    both = after["user"][0] > before["user"][0] and after["assistant"][0] > before["assistant"][0]
    held = sum(row["held"] for row in result["directions"])
    return (
        "The warm-started assistant knows the facts and the format, and plays at random. After "
        "GRPO on conversations with simulated users, who pay for every message and never say what "
        f"they value, the user's welfare went from {change('user')} points, the provider's from "
        f"{change('assistant')}"
        + (": both sides are better off. " if both else ". ")
        + f"Joint welfare went from {change('welfare')}, of an exact optimum of "
        f"{result['optimum']['welfare']:.2f}: {share[0]:.0%} of the gap is closed "
        f"(95 % interval {share[1]:.0%} to {share[2]:.0%}). Nobody told it which price calls for "
        f"which move; its moves follow the price as the optimum's do in {held} of "
        f"{len(result['directions'])} comparisons."
    )
