"""The cells of an ablation: what is varied, and the recipe of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple, get_args

import yaml

from gtalign_env.errors import RunError, suggest
from gtalign_training.recipe import Recipe, Reward

Changes = tuple[tuple[str, str], ...]
"""Fields of a recipe with dots, such as ``grpo.steps``, and what they are set to, as written."""

REWARDS: tuple[str, ...] = get_args(Reward)
FORMATS = ("four-blocks", "none")

_FOLDER = re.compile(
    rf"(?P<reward>ces[-+]?\d+(\.\d+)?|{'|'.join(REWARDS)})"
    r"(?P<plain>-without-blocks)?(-(?P<other>[\w.+-]+?))?-seed(?P<seed>\d{1,9})"
)


class Variant(NamedTuple):
    """One cell of an ablation.

    Attributes:
        reward: What is rewarded; ``ces:RHO`` for CES with a rho.
        format: How a turn is written.
        seed: The run's seed.
        changes: What else differs from the recipe.
    """

    reward: str
    format: str
    seed: int
    changes: Changes = ()

    @property
    def label(self) -> str:
        """What the cells of all seeds are called."""
        parts = [self.reward.replace(":", "")]
        if self.format == "none":
            parts.append("without-blocks")
        parts += [f"{name.rpartition('.')[2]}{value}" for name, value in self.changes]
        return re.sub(r"[^\w.+-]+", "_", "-".join(parts))

    @property
    def folder(self) -> str:
        """The name of its run folder."""
        return f"{self.label}-seed{self.seed}"


def variant_of(folder: str) -> Variant | None:
    """Return the cell whose run folder has a name; None where it is no cell's.

    Of fields that were varied a name has values and no more: they come back as one, without its name.

    Args:
        folder: Name of a folder.
    """
    found = _FOLDER.fullmatch(folder)
    if found is None:
        return None
    reward = re.sub(r"^ces(?=[-+\d])", "ces:", found["reward"])
    changes = ((found["other"], ""),) if found["other"] else ()
    form = "none" if found["plain"] else "four-blocks"
    cell = Variant(reward, form, int(found["seed"]), changes)
    return cell if cell.folder == folder else None


def variants(
    rewards: Sequence[str],
    formats: Sequence[str],
    seeds: Sequence[int],
    vary: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Variant]:
    """Yield the cells, seed by seed, so that what is there early is even.

    Args:
        rewards: What is rewarded.
        formats: How a turn is written.
        seeds: The seeds.
        vary: Values of other fields; every combination is a cell.
    """
    fields = dict(vary or {})
    for seed in seeds:
        for form in formats:
            for reward in rewards:
                for values in product(*fields.values()):
                    yield Variant(reward, form, seed, tuple(zip(fields, values, strict=True)))


def recipe_of(base: Recipe, variant: Variant) -> Recipe:
    """Return a cell's recipe.

    Args:
        base: The recipe that is varied.
        variant: The cell.

    Raises:
        RunError: A field that is varied is none of the recipe's, or its value cannot be.
    """
    reward, _, rho = variant.reward.partition(":")
    data = base.plain() | {
        "reward": reward,
        "rho": float(rho) if rho else base.rho if reward == base.reward == "ces" else 0.0,
        "format": variant.format,
        "seed": variant.seed,
    }
    for name, value in variant.changes:
        _set(data, name, value)
    return base.changed(data)


def _set(data: dict[str, Any], name: str, value: str) -> None:
    *parents, last = name.split(".")
    place: Any = data
    for parent in parents:
        place = place.get(parent) if isinstance(place, dict) else None
    if not isinstance(place, dict) or last not in place:
        known = sorted(place) if isinstance(place, dict) else sorted(data)
        raise RunError(
            f"--vary names a field of the recipe, such as grpo.steps; got {name!r}."
            f"{suggest(last, known)}"
        )
    place[last] = yaml.safe_load(value)


def rewards_of(text: str) -> tuple[str, ...]:
    """Return the rewards of an option such as ``nash,ces:-1``.

    Raises:
        RunError: One is not known, or has no number where it needs one.
    """
    for one in (found := _listed(text, "reward")):
        name, colon, rho = one.partition(":")
        if name not in REWARDS:
            raise RunError(
                f"a reward is one of {', '.join(REWARDS)}; got {one!r}.{suggest(name, REWARDS)}"
            )
        if colon and (name != "ces" or not re.fullmatch(r"[+-]?\d+(\.\d+)?", rho)):
            raise RunError(f"only ces takes a number, its rho, as ces:-1; got {one!r}")
    return found


def formats_of(text: str) -> tuple[str, ...]:
    """Return the formats of an option such as ``four-blocks,none``.

    Raises:
        RunError: One is not known.
    """
    for one in (found := _listed(text, "format")):
        if one not in FORMATS:
            raise RunError(
                f"a format is one of {', '.join(FORMATS)}; got {one!r}.{suggest(one, FORMATS)}"
            )
    return found


def vary_of(options: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the fields of options such as ``grpo.steps=40,120`` with their values.

    Raises:
        RunError: One is written in another way, or a field is given twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for option in options:
        name, equals, values = option.partition("=")
        if not equals or not name.strip():
            raise RunError(f"--vary is written as FIELD=VALUE,VALUE; got {option!r}")
        if name.strip() in found:
            raise RunError(f"--vary gives {name.strip()} twice")
        found[name.strip()] = _listed(values, "value")
    return found


def seeds_of(text: str) -> tuple[int, ...]:
    """Return the seeds of an option such as ``0,1,2`` or ``0-4``.

    Raises:
        RunError: It is neither.
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part)
        if match is None:
            raise RunError(f"--seeds is written as 0,1,2 or 0-4; got {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= 1000:
            raise RunError(f"--seeds counts upwards, at most 1,000 of them; got {part.strip()!r}")
        found |= dict.fromkeys(range(first, last + 1))
    return tuple(found)


def _listed(text: str, what: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise RunError(f"name at least one {what}")
    return names
