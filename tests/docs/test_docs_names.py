"""Links lead somewhere, and what pages name exists: scenarios, recipes, environments, files."""

from __future__ import annotations

import re
from pathlib import Path

import gymnasium
import pettingzoo
import pytest

from gtalign_env.envs import ENVS, PARALLEL_ENVS
from gtalign_env.envs.checks import RULES
from gtalign_env.scenario.library import list_entries, scenario_root
from gtalign_training.cli import TABLE
from gtalign_training.recipe import bundled_recipes
from tests.docs.pages import PAGES, ROOT, name_of

BUNDLED = {
    kind: {entry.name for entry in list_entries(kind) if entry.path.is_relative_to(scenario_root())}
    for kind in ("scenario", "persona", "pricing", "tasks", "game", "study", "design")
} | {"recipe": set(bundled_recipes())}
WORDS = {
    "scenario": "scenario",
    "scenarios": "scenario",
    "persona": "persona",
    "personas": "persona",
    "regime": "pricing",
    "regimes": "pricing",
    "recipe": "recipe",
    "recipes": "recipe",
    "study": "study",
    "studies": "study",
    "design": "design",
}
"""Words before a name in backticks, and the kind of thing that the name must be."""


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts make them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+)$", prose(page), re.M):
        kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        found.add(kept.replace(" ", "-"))
    return found


def links(page: Path) -> list[str]:
    """Return where the links and pictures of a page lead, other places of the web left out."""
    text = prose(page)
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'\bsrc(?:set)?="([^"]+)"', text)
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def broken(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    bad = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            bad.append(link)
    return bad


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    assert broken(page) == []


def test_broken_links_are_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '# One: a *heading*\n[a](#one-a-heading) [b](#two) [c](no.md)\n<img src="no.png">\n'
    )
    assert broken(page) == ["#two", "no.md", "no.png"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_environments_that_a_page_names_are_registered(page: Path) -> None:
    for name in re.findall(r"gtalign/[A-Z]\w+-v\d+", page.read_text(encoding="utf-8")):
        assert name in gymnasium.registry or name in pettingzoo.parallel_registry, name
        assert name in pettingzoo.aec_registry, name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_library_names_after_their_kind_exist(page: Path) -> None:
    for word, name in re.findall(r"\b([a-z]+) `([a-z][a-z0-9_-]+)`", prose(page)):
        if word in WORDS:
            assert name in BUNDLED[WORDS[word]], f"no {word} {name}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_that_a_page_names_exist(page: Path) -> None:
    for name in re.findall(r"`gtalign ([a-z]+)\b", prose(page)):
        assert name in TABLE, f"gtalign {name}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_of_the_repository_that_a_page_names_exist(page: Path) -> None:
    pattern = r"`((?:gtalign_env|agents|training|tests|docs|scenarios|benchmarks)/[\w./-]+\w/?)`"
    for name in re.findall(pattern, prose(page)):
        assert (ROOT / name).exists(), name


def test_everything_bundled_is_named_in_the_documentation() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"`([\w/.-]+)`", text))
    for kind, known in BUNDLED.items():
        assert known <= named, f"{kind}: {sorted(known - named)}"
    assert {*ENVS, *PARALLEL_ENVS} <= named
    assert [command for command in TABLE if f"gtalign {command}" not in text] == []


def test_pages_say_how_many_rules_there_are() -> None:
    told = {
        int(n)
        for page in PAGES
        for n in re.findall(r"\[?(\d+) rules\b", prose(page))
        if page.name == "README.md"
    }
    assert told == {len(RULES)}
    table = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.M)) >= set(RULES)


def test_how_long_compiling_takes_is_said_in_one_place() -> None:
    pattern = r"compiles?\b[^.|]*?\b(?:seconds|minute)|(?:seconds|minutes?) \| [^|]*compil"
    places = [page.name for page in PAGES if re.search(pattern, prose(page))]
    assert places == ["environments.md"]
