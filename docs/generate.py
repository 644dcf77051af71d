"""Write what is generated of the documentation: tables between their markers, and whole pages.

```
python docs/generate.py           write them
python docs/generate.py --check   exit with 1 if one of them is out of date, and name it
```

A table stands between ``<!-- generated: NAME -->`` and ``<!-- end generated -->``; `TABLES` says
which names there are. Field tables come from the schemas, so that no page states a range or a
default of its own. `WHOLE` names the pages that are generated from the first line to the last.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

from making.api_pages import PAGES as API
from making.api_pages import api_index, api_page
from making.cli_page import cli_page
from making.env_pages import env_page, page_name
from making.tables import table
from making.works_page import references_page
from schema_fields import Row, kind_of, models, rows

from gtalign_env.envs import ENVS, PARALLEL_ENVS
from gtalign_env.envs.observe import ENTRIES, PUBLIC_ENTRIES
from gtalign_env.scenario import tasks
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.pricing_schema import ComponentModel
from gtalign_env.scenario.schema import (
    MatrixGameFile,
    PersonaFile,
    PricingFile,
    ScenarioFile,
)
from gtalign_env.scenario.sweep_design import DesignFile
from gtalign_env.scenario.sweep_schema import StudyFile
from gtalign_env.scenario.welfare_schema import WelfareModel
from gtalign_training.recipe import Recipe, bundled_recipes, load_recipe
from gtalign_training.recipe.recipe import LanguageAlgorithm, StrategicAlgorithm

PAGES = Path(__file__).parent
BUNDLED = PAGES.parent / "scenarios"
HEAD = ("schema", "name", "description", "version", "tags")
"""Fields that every kind of file has; they have a table of their own."""

_MARKED = re.compile(
    r"(?P<open><!-- generated: (?P<name>[a-z_]+) -->\n).*?(?P<close><!-- end generated -->)", re.S
)


def field_table(found: list[Row]) -> str:
    """Return the table of a schema's fields."""
    head = ("field", "meaning", "unit", "range", "default", "may be random")
    return table(head, [(f"`{row.field}`", *row[1:]) for row in found])


def kind_table(union: Any) -> str:
    """Return the table of all members of a union that is told apart by ``kind``."""
    head = ("kind", "field", "meaning", "unit", "range", "default")
    body: list[tuple[str, ...]] = []
    for model in models(union):
        found = [(f"`{row.field}`", *row[1:5]) for row in rows(model, skip=("kind",))]
        body += [(f"`{kind_of(model)}`", *row) for row in found or [("", "no fields", "", "", "")]]
    return table(head, body)


def _head() -> str:
    found = [row for row in rows(PersonaFile) if row.field in HEAD]
    kinds = "`gtalign/persona/1`, `…/pricing/1`, `…/scenario/1`, `…/tasks/1`, `…/game/1`, `…/study/1`, `…/design/1`"
    order = sorted(found, key=lambda row: HEAD.index(row.field))
    return field_table(
        [
            row._replace(range=kinds, default="required") if row.field == "schema" else row
            for row in order
        ]
    )


def _library() -> str:
    entries = [entry for entry in list_entries() if entry.path.is_relative_to(BUNDLED)]
    body = [(entry.kind, f"`{entry.name}`", entry.description) for entry in entries]
    return table(("kind", "name", "description"), body)


SECTIONS = tuple(
    name.replace("-", "_") for name in (*get_args(LanguageAlgorithm), *get_args(StrategicAlgorithm))
)
"""The sections of a recipe that set an algorithm."""


def _recipe_table(shown: Callable[[str], bool]) -> str:
    return field_table(
        [
            row
            for row in rows(Recipe)
            if row.field not in HEAD and shown(row.field.partition(".")[0])
        ]
    )


def _recipes() -> str:
    loaded = [load_recipe(name) for name in bundled_recipes()]
    body = [(f"`{one.name}`", one.algorithm, one.description) for one in loaded]
    return table(("recipe", "algorithm", "description"), body)


def _entries() -> str:
    body = []
    for index, entry in enumerate(ENTRIES):
        seats = "both" if index < len(PUBLIC_ENTRIES) else "user"
        body.append((str(index), entry.name, entry.unit, seats))
    return table(("index", "entry", "what it counts", "seen by"), body)


def _task_rules() -> str:
    low, high = tasks.MEANING_WORDS
    shortest, longest = tasks.SENTENCE_WORDS
    return "\n".join(
        (
            f"- `meaning` has {low} to {high} words; `definite` and `vague` end with `?`.",
            f"- The first of `answers` has at most {tasks.GOLD_WORDS} words "
            "(one, if the question is `covered`).",
            f"- `sentence` has {shortest} to {longest} words and holds the first answer; "
            f"`detail` has at least {tasks.DETAIL_WORDS}.",
            "- No text about one interpretation names another or gives away its answer.",
            f"- A concise answer has at most {tasks.CONCISE_WORDS} words, a standard one at most "
            f"{tasks.STANDARD_WORDS}, a verbose one more.",
        )
    )


TABLES: dict[str, Callable[[], str]] = {
    "head": _head,
    "persona": lambda: field_table(list(rows(PersonaFile, skip=HEAD))),
    "pricing": lambda: field_table(
        [row for row in rows(PricingFile, skip=HEAD) if "[]" not in row.field]
    ),
    "components": lambda: kind_table(ComponentModel),
    "scenario": lambda: field_table(
        [row for row in rows(ScenarioFile, skip=HEAD) if not row.field.startswith("welfare.")]
    ),
    "welfare": lambda: kind_table(WelfareModel),
    "tasks": lambda: field_table(list(rows(tasks.TaskSet, skip=HEAD))),
    "task_rules": _task_rules,
    "game": lambda: field_table(list(rows(MatrixGameFile, skip=HEAD))),
    "study": lambda: field_table(list(rows(StudyFile, skip=(*HEAD, "welfare")))),
    "design": lambda: field_table(list(rows(DesignFile, skip=(*HEAD, "maximise")))),
    "library": _library,
    "entries": _entries,
    "recipe": lambda: _recipe_table(lambda part: part not in SECTIONS),
    "recipe_language": lambda: _recipe_table(("grpo", "lm_ppo", "best_of_k", "dpo").__contains__),
    "recipe_strategic": lambda: _recipe_table(("ppo", "a2c", "dqn").__contains__),
    "recipes": _recipes,
}
"""Every generated table by its name."""

WHOLE: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    **{
        f"environments/{page_name(env_id)}.md": partial(env_page, env_id)
        for env_id in (*ENVS, *PARALLEL_ENVS)
    },
    "api.md": api_index,
    **{f"api/{name}.md": partial(api_page, name) for name in API},
    "references.md": references_page,  # after all others: it says where they cite
}
"""Every page that is generated as a whole, by its path."""

MADE = "<!-- made by docs/generate.py; change its source instead -->\n"


def refreshed(page: str) -> str:
    """Return a page with its generated tables as they should be.

    Args:
        page: The page's text.

    Raises:
        KeyError: A marker names no table.
    """
    return _MARKED.sub(
        lambda found: f"{found['open']}{TABLES[found['name']]()}\n{found['close']}", page
    )


def main(check: bool) -> int:
    """Write tables and pages, or say which are out of date; return the exit code."""
    stale = []

    def put(path: Path, fresh: str) -> None:
        if not path.exists() or path.read_text(encoding="utf-8") != fresh:
            stale.append(path)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(fresh, encoding="utf-8")

    for path in sorted(PAGES.glob("*.md")):
        if path.name not in WHOLE:
            put(path, refreshed(path.read_text(encoding="utf-8")))
    for name, made in WHOLE.items():
        put(PAGES / name, made() + MADE)
    for path in stale:
        name = path.relative_to(PAGES)
        sys.stdout.write(f"{name} {'is out of date' if check else 'written'}\n")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
