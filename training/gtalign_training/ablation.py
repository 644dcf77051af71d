"""One recipe with several rewards, formats and seeds: trained one after another, told together.

Every cell is an ordinary run folder. A finished one is never run again, an interrupted one goes on, so the
whole is resumed by asking for it again. Cells of one seed and format begin with the same warm start,
which is made once.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gtalign_env.errors import RunError
from gtalign_training.callbacks import Progress
from gtalign_training.recipe import Recipe, Reward
from gtalign_training.run_folder import RunFolder

SAME_START = ("game", "model", "sft", "seed", "format")
"""What makes two warm starts equal."""

_FOLDER = re.compile(
    rf"(?P<reward>{'|'.join(Reward.__args__)})"  # type: ignore[attr-defined]  # a Literal's members
    r"(?P<plain>-without-blocks)?-seed(?P<seed>\d{1,9})"
)


class Variant(NamedTuple):
    """One cell of an ablation.

    Attributes:
        reward: What is rewarded.
        format: How a turn is written.
        seed: The run's seed.
    """

    reward: str
    format: str
    seed: int

    @property
    def folder(self) -> str:
        """The name of its run folder."""
        plain = "" if self.format == "four-blocks" else "-without-blocks"
        return f"{self.reward}{plain}-seed{self.seed}"


class Summary(NamedTuple):
    """The runs of one reward and format, over seeds.

    Attributes:
        reward: What was rewarded.
        format: How a turn was written.
        seeds: Seeds of the runs.
        measures: Mean and half the width of the 95 % interval over seeds, by measure; a single run
            has no interval.
    """

    reward: str
    format: str
    seeds: tuple[int, ...]
    measures: dict[str, tuple[float, float | None]]


def variants(
    rewards: Sequence[str], formats: Sequence[str], seeds: Sequence[int]
) -> Iterator[Variant]:
    """Yield the cells, seed by seed, so that what is there early is even."""
    for seed in seeds:
        for form in formats:
            for reward in rewards:
                yield Variant(reward, form, seed)


def recipe_of(base: Recipe, variant: Variant) -> Recipe:
    """Return a cell's recipe.

    Args:
        base: The recipe that is varied.
        variant: The cell.
    """
    data = base.plain() | variant._asdict()
    if variant.reward != "ces":
        data["rho"] = 0.0
    return Recipe.model_validate_json(json.dumps(data))


def run_all(
    base: Recipe,
    cells: Sequence[Variant],
    out: Path,
    progress: Progress,
    say: Callable[[str], None],
) -> None:
    """Train every cell that is not finished.

    Args:
        base: The recipe that is varied.
        cells: The cells.
        out: Where their run folders lie.
        progress: Told after every step.
        say: Told what begins.

    Raises:
        RunError: A folder was made from another recipe, or a run stopped.
    """
    from gtalign_training.pipeline import run

    for number, cell in enumerate(cells, start=1):
        path, recipe = out / cell.folder, recipe_of(base, cell)
        if finished(path):
            RunFolder.open(path, recipe, RunFolder(path).read("run.json")["digests"], resume=True)
            continue
        say(f"Run {number} of {len(cells)}: {cell.folder}")
        _lend_start(recipe, path, out)
        run(recipe, path, resume=(path / "recipe.json").exists(), progress=progress, say=say)


def finished(path: Path) -> bool:
    """Return whether a run folder holds a whole run."""
    return (path / "run.json").exists() and RunFolder(path).read("run.json").get("status") == "done"


def _lend_start(recipe: Recipe, path: Path, out: Path) -> None:
    """Copy the warm start of a finished run that began in the same way, if there is one."""
    if (path / "sft" / "model").exists():
        return
    wanted = {key: recipe.plain()[key] for key in SAME_START}
    for other in sorted(out.iterdir()) if out.is_dir() else ():
        if not finished(other) or not (other / "sft" / "model").exists():
            continue
        theirs = RunFolder(other).read("recipe.json")
        if {key: theirs.get(key) for key in SAME_START} == wanted:
            unfinished = path / "sft.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(other / "sft", unfinished)
            shutil.rmtree(path / "sft", ignore_errors=True)
            unfinished.rename(path / "sft")
            return


def summaries(cells: Sequence[Variant], out: Path) -> list[Summary]:
    """Return the finished runs, reward by reward.

    Args:
        cells: The cells; those that are not finished are left out.
        out: Where their run folders lie.
    """
    return summarised(
        [
            (cell, measures_of(read_result(out / cell.folder)))
            for cell in cells
            if finished(out / cell.folder)
        ]
    )


def summarised(runs: Sequence[tuple[Variant, dict[str, float]]]) -> list[Summary]:
    """Return what runs came to over their seeds, reward by reward.

    Args:
        runs: Cells with their measures.
    """
    groups: dict[tuple[str, str], list[tuple[Variant, dict[str, float]]]] = {}
    for cell, measures in runs:
        groups.setdefault((cell.reward, cell.format), []).append((cell, measures))
    return [
        Summary(
            *key,
            tuple(cell.seed for cell, _ in group),
            _over_seeds([measures for _, measures in group]),
        )
        for key, group in groups.items()
    ]


def variant_of(folder: str) -> Variant | None:
    """Return the cell whose run folder has a name; None where it is no cell's.

    Args:
        folder: Name of a folder.
    """
    found = _FOLDER.fullmatch(folder)
    if found is None:
        return None
    form = "none" if found["plain"] else "four-blocks"
    cell = Variant(found["reward"], form, int(found["seed"]))
    return cell if cell.folder == folder else None


def read_result(path: Path) -> dict[str, Any]:
    """Return the result of a run.

    Args:
        path: Its folder.

    Raises:
        RunError: It was trained without text.
    """
    data: dict[str, Any] = RunFolder(path).read("evaluation.json")
    if "rows" not in data:
        raise RunError(f"{path} was trained without text; an ablation compares language models")
    return data


def measures_of(data: Mapping[str, Any]) -> dict[str, float]:
    """Return what a run is compared by.

    Args:
        data: Content of its ``evaluation.json``.
    """
    row = next(row for row in data["rows"] if row["name"] == "after")
    held = [one["held"] for one in data["directions"]]
    return {
        "welfare": row["welfare"][0],
        "user": row["user"][0],
        "assistant": row["assistant"][0],
        "gap_closed": row["gap_closed"][0],
        "well_formed": row["well_formed"],
        "directions": sum(held) / len(held) if held else math.nan,
    }


def _over_seeds(rows: Sequence[dict[str, float]]) -> dict[str, tuple[float, float | None]]:
    return {name: mean_over_seeds([row[name] for row in rows]) for name in rows[0]}


def mean_over_seeds(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean, and half the width of its 95 % interval; None for a single value.

    Args:
        values: One per seed.

    References:
        Student (1908), "The probable error of a mean".
    """
    from scipy.stats import t

    n = len(values)
    mean = math.fsum(values) / n
    if n < 2:
        return mean, None
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    return mean, float(t.ppf(0.975, n - 1)) * deviation / math.sqrt(n)


HEAD = ("reward", "format", "seeds", "W", "U", "L", "gap closed", "well-formed", "directions")


MEASURES = ("welfare", "user", "assistant", "gap_closed", "well_formed", "directions")
"""What runs are compared by, in the order of `HEAD`."""


def rows_of(found: Sequence[Summary]) -> list[tuple[str, ...]]:
    """Return the rows of the table whose columns are `HEAD`."""
    return [
        (
            one.reward,
            one.format,
            str(len(one.seeds)),
            *(_text(one.measures[name]) for name in MEASURES),
        )
        for one in found
    ]


def _text(measure: tuple[float, float | None]) -> str:
    mean, half = measure
    return f"{mean:.2f}" if half is None else f"{mean:.2f} ± {half:.2f}"


def page(base: Recipe, found: Sequence[Summary], command: str) -> str:
    """Return the results as a Markdown page.

    Args:
        base: The recipe that was varied.
        found: The finished runs.
        command: What makes them.
    """
    lines = [
        f"# Ablation of {base.name}",
        "",
        f"Made from run folders by `{command}`. {base.description}",
        "",
        f"Held-out conversations of seed {base.evaluation.seed}, {base.evaluation.conversations} per price; "
        "points. Mean over seeds and half the width of its 95 % interval (Student's t); a single run has "
        "none. *Gap closed* is the share of the way from the warm start to the exact optimum of the "
        "scenario's W, whatever was rewarded; *directions* the share of the pairs of prices whose optimal "
        "first moves differ and whose move mixes differ the same way.",
        "",
        "| " + " | ".join(HEAD) + " |",
        "| " + " | ".join("---" for _ in HEAD) + " |",
        *("| " + " | ".join(row) + " |" for row in rows_of(found)),
    ]
    return "\n".join(lines) + "\n"
