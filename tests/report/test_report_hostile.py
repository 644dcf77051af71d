"""Hostile strings in every field of every file: a page shows them, and does nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from gtalign_training.report.compare import compare
from gtalign_training.report.page import Report, page_of
from gtalign_training.report.parts import Folder
from gtalign_training.report.readers import read_folders
from gtalign_training.run_folder import write_json
from gtalign_training.run_log import encode, read_log
from tests.browser import Visit, Visitor
from tests.report.hostile import PAGE_STRINGS

STRUCTURE = frozenset({"seat", "schema", "kind", "stage", "digest", "format", "crc32"})
"""Fields by which a file is read at all; what they say is not shown as it stands."""

ALL = " ".join(PAGE_STRINGS)
SOME = [" ".join(PAGE_STRINGS[k : k + 4]) for k in range(0, len(PAGE_STRINGS), 4)]

Poison = Callable[[], str]
"""Gives what is put into the next field."""


def poisoned(data: Any, poison: Poison, keep: frozenset[str] = STRUCTURE) -> Any:
    """Return data with a hostile string after every string in it."""
    if isinstance(data, dict):
        return {
            key: value if key in keep else poisoned(value, poison, keep)
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [poisoned(one, poison, keep) for one in data]
    return f"{data}{poison()}" if isinstance(data, str) else data


def poison_file(path: Path, poison: Poison) -> None:
    data = poisoned(json.loads(path.read_text(encoding="utf-8")), poison)
    more = {f"key {poison()}": [poison(), {poison(): poison()}]}
    write_json(path, {**data, f"more {poison()}": more})


@pytest.fixture(scope="module")
def hostile(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of folders of every kind; fields of conversations get each string, others four."""
    turn = cycle(SOME)
    return _page(folders, tmp_path_factory.mktemp("hostile"), lambda: next(turn))


def _page(folders: Path, root: Path, poison: Poison) -> Path:
    """Write the report of a folder of every kind, all poisoned."""
    named = "<img src=x onerror=window.pwn=1>\"'&"
    _poison_run(folders / "steered", root / f"run {named}", poison)
    _poison_training(folders / "training", root / f"training {named}", poison)
    _poison_sweep(folders / "sweep", root / f"sweep {named}", poison)
    _poison_evaluation(folders / "evaluation", root / f"evaluation {named}", poison)
    _poison_answers(folders / "answers", root / f"answers {named}", poison)
    _poison_ablation(folders / "ablation", root / f"ablation {named}", poison)
    (root / f"other {named}").mkdir()
    deep = {ALL: poison(), "deep": {poison(): [{poison(): ALL}]}}
    write_json(root / f"other {named}" / "x.json", deep)
    # the run, which has a conversation for each string, comes first: all of it is opened
    found = read_folders(sorted(root.iterdir(), key=lambda path: path.name.split()[0] != "run"))
    assert {one.kind for one in found} == {
        *("run", "evaluation", "data", "ablation", "training", "sweep", "folder")
    }
    assert not any("left out (" in problem for one in found for problem in one.problems)
    assert sum(len(some.records) for one in found for some in one.talks) >= len(PAGE_STRINGS)
    file = root / "page.html"
    file.write_text(_written(found), encoding="utf-8")
    return file


def _written(found: tuple[Folder, ...]) -> str:
    return page_of(Report(found, compare([one for some in found for one in some.outcomes])))


def _poison_run(whole: Path, out: Path, poison: Poison) -> None:
    """Write a run with one conversation a string, which stands in all of its fields."""
    shutil.copytree(whole, out)
    for name in ("events.jsonl", "episodes.jsonl"):
        records = read_log(whole / name).records
        first = [one for one in records if one["episode"] == 0]
        lines = [
            encode(poisoned({**one, "episode": k, "verdict": {"why": "x"}}, partial(str, string)))
            if name == "events.jsonl"
            else encode(poisoned({**one, "episode": k}, partial(str, string)))
            for k, string in enumerate(PAGE_STRINGS)
            for one in first
        ]
        (out / name).write_bytes(b"".join(lines))
    told = json.loads((out / "run.json").read_text())
    game = told["scenario"] | {"description": f"A game {ALL[:400]}"}
    told = poisoned({**told, "scenario": ""}, poison) | {"scenario": game, "seed": 4}
    write_json(out / "run.json", told)
    poison_file(out / "summary.json", poison)


def _poison_training(whole: Path, out: Path, poison: Poison) -> None:
    shutil.copytree(whole, out)
    for name in ("recipe.json", "run.json", "evaluation.json"):
        poison_file(out / name, poison)
    for which in ("before", "after"):
        file = out / f"transcripts-{which}.jsonl"
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        lines = [
            json.dumps(poisoned(one, partial(str, PAGE_STRINGS[k])))
            for k, one in enumerate(rows[:20])
        ]
        file.write_text("\n".join(lines), encoding="utf-8")


def _poison_evaluation(whole: Path, out: Path, poison: Poison) -> None:
    """Poison the result, and what each cell says of itself and of its conversations."""
    shutil.copytree(whole, out)
    keep = STRUCTURE | {"by", "measure", "over"}
    data = poisoned(result := json.loads((out / "evaluation.json").read_text()), poison, keep)
    data["faults"] = {f"{who}{poison()}": 1 for who in result["faults"]}
    for row in data["moves"]:
        row["moves"] = {f"{move}{poison()}": share for move, share in row["moves"].items()}
    write_json(out / "evaluation.json", {**data, f"more {poison()}": {poison(): poison()}})
    first, second, *others = sorted((out / "cells").iterdir())
    for cell in others:
        shutil.rmtree(cell)
    for cell in (first, second):
        told = json.loads((cell / "run.json").read_text())
        game = told["scenario"]
        told = poisoned({**told, "scenario": ""}, poison) | {"scenario": game, "seed": 5}
        write_json(cell / "run.json", told)
        records = read_log(cell / "events.jsonl").records
        lines = b"".join(encode(poisoned(one, poison)) for one in records)
        (cell / "events.jsonl").write_bytes(lines)


def _poison_answers(whole: Path, out: Path, poison: Poison) -> None:
    shutil.copytree(whole, out)
    for name in ("run.json", "summary.json"):
        poison_file(out / name, poison)
    for name in ("answers.jsonl", "verdicts.jsonl"):
        records = [
            poisoned(one, poison, STRUCTURE | {"answer"}) for one in read_log(out / name).records
        ]
        (out / name).write_bytes(b"".join(map(encode, records)))
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    lines = [json.dumps(poisoned(one, poison)) for one in rows]
    (out / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")


def _poison_ablation(whole: Path, out: Path, poison: Poison) -> None:
    shutil.copytree(whole, out)
    for run in out.iterdir():
        for name in ("recipe.json", "run.json"):
            poison_file(run / name, poison)
        data = json.loads((run / "evaluation.json").read_text())
        data["rows"].append({"name": f"Bayes oracle {poison()}", "welfare": 2.0})
        write_json(run / "evaluation.json", {**data, f"more {poison()}": poison()})


def _poison_sweep(whole: Path, out: Path, poison: Poison) -> None:
    """Poison what a page draws: the label of an axis, names and descriptions, the summary."""
    shutil.copytree(whole, out)
    told = json.loads((out / "study.json").read_text())
    told["study"]["description"] = ALL[:400]
    told["study"]["axes"][0]["label"] = f"price {PAGE_STRINGS[1]}"
    told["scenario"]["description"] = ALL[:400]
    write_json(out / "study.json", told)
    poison_file(out / "summary.json", poison)


def quiet(seen: Visit) -> None:
    assert seen.page.evaluate("window.pwn ?? null") is None
    seen.check()


@pytest.mark.parametrize("policy", [True, False], ids=["with its policy", "without it"])
def test_120_strings_stay_text(policy: bool, hostile: Path, visit: Visitor) -> None:
    look_through(hostile, policy, visit)


@pytest.mark.slow
@pytest.mark.parametrize("policy", [True, False], ids=["with its policy", "without it"])
def test_120_strings_in_every_single_field_stay_text(
    policy: bool, folders: Path, visit: Visitor, tmp_path: Path
) -> None:
    look_through(_page(folders, tmp_path, lambda: ALL), policy, visit)


def look_through(file: Path, policy: bool, visit: Visitor) -> None:
    """Open every conversation with all its blocks, use every filter, search; nothing may happen."""
    seen = visit(file, policy=policy)
    page = seen.page
    page.wait_for_selector("html[data-ready=yes]", state="attached")
    scripts = page.locator("script").count()
    page.keyboard.press("r")
    # the page is the same either way; without its policy it has to be safe by itself
    count = 12 if policy else len(PAGE_STRINGS)
    first = page.evaluate(
        """async (count) => {
          const wait = () => new Promise((done) => setTimeout(done, 4));
          const body = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
          const seen = new Set();
          for (let k = 0; k < count * 1.35; k++) {
            body("e");
            seen.add(document.querySelector("#talk").textContent);
            body("j");
            await wait();
          }
          return seen.size;
        }""",
        count,
    )
    assert first > count  # every conversation was opened, with its blocks
    assert page.locator("script").count() == scripts
    assert (
        page.locator("img, iframe, object, embed, base, video, audio, math, marquee").count() == 0
    )
    assert page.locator("#talk a, #talk form, #talk style, #talk link, #talk svg").count() == 0
    assert (
        page.evaluate(
            "[...document.querySelectorAll('*')].flatMap((n) => [...n.attributes])"
            ".filter((a) => a.name.startsWith('on')).length"
        )
        == 0
    )
    text = page.locator("body").evaluate("b => b.textContent")
    assert sum(one in text for one in PAGE_STRINGS) > 100  # they are shown as they stand
    for select in page.locator(".filters select").all():
        options = select.locator("option").count()
        if options > 1 and select.is_visible():
            select.select_option(index=options - 1)
            select.select_option(index=0)
    page.fill("#search", PAGE_STRINGS[0])
    page.locator("#rows .row").first.wait_for()
    quiet(seen)


def test_the_watch_over_the_strings_can_fail(hostile: Path, visit: Visitor, tmp_path: Path) -> None:
    """A page that forgets to escape one of its texts is found out."""
    text = hostile.read_text(encoding="utf-8")
    broken = text.replace(
        "&lt;img src=x onerror=window.pwn=1&gt;", "<img src=x onerror=window.pwn=1>", 1
    )
    assert broken != text
    (tmp_path / "broken.html").write_text(broken, encoding="utf-8")
    seen = visit(tmp_path / "broken.html", policy=False)
    seen.page.wait_for_timeout(100)
    assert seen.page.evaluate("window.pwn") == 1
    with_policy = visit(tmp_path / "broken.html")
    with_policy.page.wait_for_timeout(100)
    assert with_policy.page.evaluate("window.pwn ?? null") is None  # the second line holds
