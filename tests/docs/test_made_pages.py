"""Pages made from code: environments in Farama's shape, commands, works; and every example of `--help`."""

from __future__ import annotations

import inspect
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from gtalign_env.envs import ENVS, PARALLEL_ENVS
from gtalign_training.cli import TABLE, main
from tests.data.test_data import parquet_of, published
from tests.docs.pages import ROOT
from tests.docs.test_docs import environment

sys.path.insert(0, str(ROOT / "docs"))

from making import env_pages, works_page  # the pages' own tools, found by path

DOCS = ROOT / "docs"
IDS = [*ENVS, *PARALLEL_ENVS]
EXAMPLES = {
    name: tuple(import_module(target.partition(":")[0]).EXAMPLES)
    for name, (target, _) in TABLE.items()
}


@pytest.mark.parametrize("env_id", IDS)
def test_every_environment_has_a_page_in_the_usual_shape(env_id: str) -> None:
    page = (DOCS / "environments" / f"{env_pages.page_name(env_id)}.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", page, re.M)
    assert headings == [*env_pages.SECTIONS, "An episode"]
    facts = re.findall(r"^\| \*\*(.+?)\*\*", page, re.M)
    assert facts[:6] == ["creation", "class", "agents", "acts", "observations", "render modes"]
    for cls in env_pages.classes(env_id).values():
        for name in inspect.signature(cls).parameters:
            assert f"| `{name}` |" in page


def test_a_docstring_without_a_section_or_an_argument_without_a_word_is_noticed() -> None:
    class Silent:
        """Nothing is said.

        ## Description
        None.
        """

    with pytest.raises(ValueError, match="Silent: its docstring has no section Arguments"):
        env_pages.sections(Silent)
    assert env_pages.described("`a`, `b`: two of them. `c`: one, as `d`.") == {
        "a": "Two of them.",
        "b": "Two of them.",
        "c": "One, as `d`.",
    }


def test_citations_are_found_and_every_cited_work_is_known() -> None:
    text = (
        "Nash (1950), von Stengel (2002); Nowak and\n Sigmund (1992, 1993); Knight et al. (2016), "
        "Ahn, Ostrom, Schmidt, Shupp and Walker (2001). In 2020 (or 2021) nobody."
    )
    assert list(works_page.citations(text)) == [
        "Nash 1950",
        "von Stengel 2002",
        "Nowak 1992",
        "Nowak 1993",
        "Knight 2016",
        "Ahn 2001",
    ]
    assert set(works_page.cited()) <= set(works_page.WORKS), "add it to docs/making/works.yaml"


STANDARDS = re.compile(r"JSON Schema|YAML|Unicode Standard|WCAG|Inspect AI|RFC|As for `")
"""Sources that are no works of authors, and blocks that point to another one."""


def test_everything_under_references_is_a_citation() -> None:
    # a block that names no work in the usual way would be missed by the page
    pattern = re.compile(r'^ *References:\n(.+?)(?:\n *\n|""")', re.S | re.M)
    for file in works_page.sources():
        for block in pattern.findall(file.read_text(encoding="utf-8")):
            assert [*works_page.citations(block)] or STANDARDS.search(block), (
                f"{file.name}: {block}"
            )


def parsed(words: list[str]) -> None:
    """Let the command read its arguments, and do nothing."""
    group: Any = typer.main.get_command(main)
    command = group.commands[words[0]].load()
    command.make_context(words[0], words[1:])


@pytest.mark.parametrize("name", TABLE)
def test_examples_of_help_are_read_by_their_command(name: str) -> None:
    for example in EXAMPLES[name]:
        for part in re.split(r" \| | > | < ", example):
            words = shlex.split(part)
            if words[0] == "gtalign":
                parsed(words[1:])


def test_an_example_with_an_unknown_option_is_noticed() -> None:
    with pytest.raises(Exception, match="No such option: --pricng"):
        parsed(["solve", "upsell", "--pricng", "per_token"])


ELSEWHERE = re.compile(
    r"gtalign (demo|train|ui)|gtalign ablation (?!.*--dry-run)|:800[01]|openai:URL|vllm:|axelrod_first|format trackio"
)
"""Examples that train for minutes, serve until stopped, or need a server: other tests do each of these.
Axelrod's strategies and trackio need libraries that are no part of the development extra."""

QUICK = "--assistant oracle --assistant CQ --episodes 12"
LAID_OUT = {
    "one": "run upsell --episodes 40",
    "two": "run upsell --episodes 40 --assistant greedy_revenue",
    "oracle": "run quick_question --assistant oracle --episodes 20",
    "clarify_once": "run quick_question --assistant clarify_once --episodes 20",
    "help_desk": "run help_desk --episodes 20",
    "words": "run help_desk --words --assistant clarify_once --episodes 12",
    "scripted": "run help_desk --words --assistant clarify_once --episodes 12",
    "phrased": "run help_desk --words --user impatient --assistant clarify_once --episodes 12",
    "replayed": "run help_desk --user replay@runs/words --assistant clarify_once --episodes 12",
    "quick": f"evaluate quick_question {QUICK}",
    "evaluation-of-one": "evaluate upsell --assistant CQ --assistant DA:concise --episodes 12",
    "evaluation-of-another": "evaluate upsell --assistant oracle --episodes 12",
    "evaluation": "data evaluate all.jsonl --assistant reference",
    "strategic-ppo-seed0": "train strategic-ppo --steps 2048",
    "strategic-ppo-seed1": "train strategic-ppo --steps 2048 --seed 1",
}
"""What makes the folders that examples read, by name below ``runs``; all small."""
COPIES = {"ppo": "strategic-ppo-seed0", "first": "strategic-ppo-seed0", "demo": "one"}
"""Folders under other names."""

TALK = (
    '{"exchanges": [{"input": 280, "cached_input": 0, "output": 60, "reasoning": 100, '
    '"move": "DA:concise"}], "accepted": true}\n'
)
ROWS = "".join(
    f'{{"question": "What is {i} + 1?", "source": "math", "reference": "{i + 1}"}}\n'
    for i in range(20)
)
SCORED = (
    '{"source": "math", "completion": "<thinking>Add.</thinking><payoff>{}</payoff>", "judge": 1}\n'
)


@pytest.fixture(scope="session")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the examples speak of."""
    folder = tmp_path_factory.mktemp("examples")
    shown = {
        "talks.jsonl": TALK,
        "games.jsonl": '{"user": [[3, 0], [5, 1]], "assistant": [[3, 5], [0, 1]]}\n',
        "completions.jsonl": SCORED,
        "all.jsonl": ROWS,
        "train.jsonl": ROWS,
    }
    for name, text in shown.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("train", "test"):
        parquet_of(folder / f"{name}.parquet", [published("math-hard", "342")])
    for name, words in LAID_OUT.items():
        done = call(f"gtalign {words} --out runs/{name}", folder)
        assert done.returncode == 0, f"{words}: {done.stderr[-400:]}"
    for name, other in COPIES.items():
        shutil.copytree(folder / "runs" / other, folder / "runs" / name)
    for kind, name, target in (
        ("persona", "my_persona", "my_persona.yaml"),
        ("pricing", "night_rate", "my_games/pricing/night_rate.yaml"),
        ("study", "my_study", "my_study.yaml"),
        ("scenario", "price_rise", "my_games/price_rise.yaml"),
        ("game", "one", "games/one.yaml"),
    ):
        call(f"gtalign new {kind} {name} --out made", folder)
        made = next((folder / "made").rglob(f"{name}.yaml"))
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        made.rename(folder / target)
    return folder


def call(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Return how a command of a shell went."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE)
def test_examples_of_help_run(name: str, laid_out: Path, tmp_path: Path) -> None:
    if name != "new":  # which writes over nothing
        shutil.copytree(laid_out, tmp_path, dirs_exist_ok=True)
    before = {"plot": "token_price_by_conciseness --out runs/prices", "sweep": "my_study.yaml"}
    if name in before:
        call(f"gtalign sweep {before[name]}", tmp_path)
    wrong = {}
    for example in EXAMPLES[name]:
        if ELSEWHERE.search(example):
            continue
        if (made := re.search(r"--out (runs/\S+)", example)) and "--resume" not in example:
            shutil.rmtree(tmp_path / made[1], ignore_errors=True)  # laid out for other examples
        done = call(example, tmp_path)
        if done.returncode not in ((0, 3) if name == "data" else (0,)):
            wrong[example] = done.stderr[-400:]
    assert wrong == {}
