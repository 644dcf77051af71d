"""`docs/references.md`: every work that a docstring or a page cites, and where it is cited."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
WORKS: dict[str, str] = yaml.safe_load(
    (Path(__file__).parent / "works.yaml").read_text(encoding="utf-8")
)
"""The works: first author and year, and the reference."""

ALIASES = {"GTAlign 2025": "Zhu 2025", "Smith 1973": "Maynard Smith 1973"}
"""Names that works go by in the sources."""

_NAME = r"(?:(?:von|van) )?[A-ZÀ-Þ][\w’'\-]+"
_CITATION = re.compile(
    rf"({_NAME})(?:, {_NAME})*(?:,? and {_NAME})?(?: et al\.)? \((\d{{4}}(?:, \d{{4}})*)\)"
)


def sources() -> list[Path]:
    """Return the files that may cite: modules, and pages but for the one that is made here."""
    found = [
        file
        for folder in ("gtalign_env", "agents", "training", "benchmarks", "docs")
        for ending in ("*.py", "*.md")
        for file in sorted((ROOT / folder).rglob(ending))
        if not {"_build", "making"} & set(file.parts) and file.name != "references.md"
    ]
    return [*found, ROOT / "README.md"]


def citations(text: str) -> Iterator[str]:
    """Yield what a text cites, as first author and year: ``Nash (1950)`` is ``"Nash 1950"``."""
    for found in _CITATION.finditer(re.sub(r"\s+", " ", text)):
        for year in found[2].split(", "):
            key = f"{found[1]} {year}"
            yield ALIASES.get(key, key)


def cited() -> dict[str, list[Path]]:
    """Return the cited works, each with the files that cite it."""
    found: dict[str, list[Path]] = defaultdict(list)
    for file in sources():
        for key in dict.fromkeys(citations(file.read_text(encoding="utf-8"))):
            found[key].append(file)
    return found


def _place(file: Path) -> str:
    if file.suffix == ".md" and file.parent.name == "docs":
        return f"[{file.stem}]({file.name})"
    name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
    return f"`{name.removeprefix('agents.').removeprefix('training.')}`"


def references_page() -> str:
    """Return the page.

    Raises:
        KeyError: Something is cited that `works.yaml` does not hold.
    """
    places = cited()
    missing = sorted(set(places) - set(WORKS))
    if missing:
        where = [f"{key} ({', '.join(map(_place, places[key]))})" for key in missing]
        raise KeyError(f"add to docs/making/works.yaml: {'; '.join(where)}")
    lines = [
        "# References",
        "",
        "Every work that a page or a docstring cites, and where. Formulas and algorithms stand in the",
        "code beside their source.",
        "",
    ]
    for key in sorted(places, key=lambda key: (key.casefold().removeprefix("von "), key)):
        author, year = key.rsplit(" ", 1)
        where = ", ".join(map(_place, places[key]))
        lines += [f"- **{author} {year}.** {WORKS[key]} Cited in {where}."]
    return "\n".join(lines) + "\n"
