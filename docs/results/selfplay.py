"""Make `selfplay.md`: two seats learn at the upsell, under several prices and rewards.

python docs/results/selfplay.py RUNS        # runs what is missing below RUNS, then writes the page
python docs/results/selfplay.py RUNS --read # writes the page from what is there
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pages import run_missing, write_tables

from gtalign_env.errors import RunError
from gtalign_env.scenario.loader import load_scenario
from gtalign_training.metrics.paired import generator
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.run_folder import RunFolder
from gtalign_training.statistics import bootstrap
from gtalign_training.tables import Column, Table

HERE = Path(__file__).parent
SEEDS = (0, 1, 2, 3, 4)
REWARDS = ("assistant_only", "utilitarian", "nash")
PRICES = (
    "per_token",
    "subscription",
    "outcome_based",
    "per_message",
    "free_questions",
    "small_allowance",
    "premium_per_token",
)
"""Of the exact runs; the learnt ones have the first two, as their recipe says."""
IN_WORDS = {
    "assistant_only": "its own L",
    "utilitarian": "(U + L) / 2",
    "nash": "sqrt(U L)",
}


def recipe(**changes: Any) -> Recipe:
    """Return the recipe of this page with some fields changed, those of its section too."""
    data = load_recipe(str(HERE / "selfplay.yaml")).model_dump(mode="json", by_alias=True)
    for key, value in changes.items():
        if key == "pricing":
            data["game"]["pricing"] = list(value)
        elif key == "scenario":
            data["game"]["scenario"] = str(value)
        elif key in data["selfplay"]:
            data["selfplay"][key] = value
        else:
            data[key] = value
    return Recipe.model_validate(data, strict=False)


def wanted(root: Path) -> list[tuple[Path, Recipe]]:
    """Return every run with its folder, the cheap and important ones first."""
    learnt = [
        (root / f"learnt-{reward}-{seed}", recipe(reward=reward, seed=seed))
        for seed in SEEDS
        for reward in REWARDS
    ]
    exact = [
        (
            root / f"exact-{reward}-{price}",
            recipe(
                reward=reward,
                pricing=[price],
                scenario=short_upsell(root),
                learner="exact",
                rounds=20,
            ),
        )
        for reward in REWARDS
        for price in PRICES
    ]
    return exact + learnt


def short_upsell(root: Path) -> Path:
    """Return the file of the upsell with conversations of three exchanges instead of five."""
    file = root / "upsell_short.yaml"
    game = dataclasses.replace(load_scenario("upsell"), name=file.stem, max_exchanges=3)
    file.write_text(yaml.safe_dump(game.to_data(), sort_keys=False), encoding="utf-8")
    return file


def main() -> None:
    """Run what is missing, and write the page."""
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    if "--read" not in sys.argv:
        run_missing(wanted(root))
    write_tables(
        HERE / "selfplay.md", [exact_table(root), learnt_table(root), distance_table(root)]
    )


def read(path: Path) -> dict[str, Any] | None:
    """Return a run's result; None where it is missing."""
    try:
        result: dict[str, Any] = RunFolder(path).read("evaluation.json")
    except RunError:
        return None
    return result


def likeliest(shares: dict[str, float]) -> str:
    """Return the likeliest move with its share."""
    move = max(sorted(shares), key=lambda label: shares[label])
    return move if shares[move] > 0.995 else f"{move} {shares[move]:.0%}"


def exact_table(root: Path) -> Table:
    """Return where computed best responses in turns end."""
    rows = []
    for reward in REWARDS:
        for price in PRICES:
            result = read(root / f"exact-{reward}-{price}")
            if result is None:
                continue
            found = result["by_regime"][price]
            rows.append(
                (
                    IN_WORDS[reward],
                    price,
                    result["rounds_done"],
                    found["user"],
                    found["assistant"],
                    found["welfare"],
                    likeliest(found["openings"]),
                    likeliest(found["first_moves"]),
                    found["user_gain"] + found["assistant_gain"],
                )
            )
    return Table(
        "exact",
        "Computed best responses in turns, after the last round",
        (
            Column("assistant's reward", "text"),
            Column("price", "text"),
            Column("rounds", "count"),
            Column("U"),
            Column("L"),
            Column("W"),
            Column("opening", "text"),
            Column("first answer", "text"),
            Column("NashConv", digits=4),
        ),
        tuple(rows),
        (
            "Conversations of at most three exchanges, so that a response is computed in seconds. "
            "Exact expectations; nothing is drawn, so there are no seeds. W = (U + L) / 2.",
        ),
    )


def learnt_table(root: Path) -> Table:
    """Return where learning in turns ends, over seeds."""
    rows = []
    for reward in REWARDS:
        for price in PRICES[:2]:
            found = [
                result["by_regime"][price]
                for seed in SEEDS
                if (result := read(root / f"learnt-{reward}-{seed}")) is not None
            ]
            if len(found) < 2:
                continue
            moves = [likeliest(one["first_moves"]) for one in found]
            counts = {move: moves.count(move) for move in sorted(set(moves))}
            rows.append(
                (
                    IN_WORDS[reward],
                    price,
                    len(found),
                    *(interval([one[key] for one in found]) for key in ("user", "assistant")),
                    interval([one["welfare"] for one in found]),
                    ", ".join(f"{move} ({n})" for move, n in counts.items()),
                )
            )
    return Table(
        "learnt",
        "Both seats learn by masked PPO, after 4 rounds",
        (
            Column("assistant's reward", "text"),
            Column("price", "text"),
            Column("seeds", "count"),
            Column("U", "interval", 2),
            Column("L", "interval", 2),
            Column("W", "interval", 2),
            Column("first answer (seeds)", "text"),
        ),
        tuple(rows),
        (
            "Each seed's pair is valued exactly, at its likeliest moves; means over seeds with 95 % "
            "bootstrap intervals over seeds. Five seeds are few for a bootstrap: read the "
            "intervals as a spread.",
        ),
    )


def distance_table(root: Path) -> Table:
    """Return how NashConv went, round by round, over seeds and both prices."""
    rows = []
    for reward in REWARDS:
        found = [
            result["rounds"]
            for seed in SEEDS
            if (result := read(root / f"learnt-{reward}-{seed}")) is not None
        ]
        if len(found) > 1:
            rows += [
                (
                    IN_WORDS[reward],
                    index,
                    interval([rounds[index]["nash_conv"] for rounds in found]),
                )
                for index in range(min(map(len, found)))
            ]
    return Table(
        "distance",
        "How far the learnt pair is from an equilibrium",
        (
            Column("assistant's reward", "text"),
            Column("round", "count"),
            Column("NashConv", "interval", 3),
        ),
        tuple(rows),
        ("Points, mean of both prices; round 0 is the start. Means over seeds, as above.",),
    )


def interval(values: list[float]) -> list[float]:
    """Return the mean over seeds with its interval."""
    return list(bootstrap(np.array(values), generator(0)))


if __name__ == "__main__":
    main()
