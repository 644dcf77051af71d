"""One wrong keystroke in a good file: the message has the place, and knows what was meant.

Every bundled file is broken in many ways, each by one edit; the edits are drawn from a fixed seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import validate_file
from gtalign_env.scenario.yaml_reader import Document, Key, read_file

LETTERS = "abcdefghijklmnopqrstuvwxyz_"
KINDS = ("persona", "pricing", "scenario", "game")
FILES = [entry.path for kind in KINDS for entry in list_entries(kind)]

NAMED = {"kind", "persona", "pricing", "style", "meter"}
"""Fields whose value is one of a list of names."""


class Typo(NamedTuple):
    """A word of a file, mistyped by one edit."""

    file: Path
    text: str
    line: int
    column: int
    meant: str


def mistyped(word: str, rng: random.Random) -> str:
    """Return a word after one edit: a letter left out, doubled, swapped with the next, or wrong."""
    while True:
        i = rng.randrange(len(word))
        letter = rng.choice(LETTERS)
        swapped = word[:i] + word[i + 1 : i + 2] + word[i] + word[i + 2 :]
        made = rng.choice(
            [
                word[:i] + word[i + 1 :],
                word[: i + 1] + word[i:],
                swapped,
                word[:i] + letter + word[i + 1 :],
                word[:i] + letter + word[i:],
            ]
        )
        if made != word and re.fullmatch(r"[a-z0-9][a-z0-9_]*", made):
            return made


def words_of(document: Document) -> Iterator[tuple[Key, str, tuple[int, int]]]:
    """Yield path, word and place of every key, and of every value that is one of a list of names."""
    for path, place in document.keys.items():
        yield path, str(path[-1]), place
    for path, place in document.values.items():
        value = document.data
        for step in path:
            value = value[step]
        if path and path[-1] in NAMED and isinstance(value, str):
            yield path, value, place


def typos() -> list[Typo]:
    """Return two typos of every word of every file; where one is a known word too, none of it."""
    rng = random.Random(20)
    found = []
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        document = read_file(file)
        siblings = {str(path[-1]) for path in document.keys}
        for _, word, (row, column) in words_of(document):
            for _ in range(2):
                made = mistyped(word, rng)
                line = lines[row - 1]
                start = column - 1
                assert line[start : start + len(word)] == word, (file, row, column, word)
                if made in siblings:
                    continue
                broken = line[:start] + made + line[start + len(word) :]
                whole = "".join([*lines[: row - 1], broken, *lines[row:]])
                found.append(Typo(file, whole, row, column, word))
    return found


def complaints(file: Path, text: str, folder: Path) -> list[str]:
    """Return what is said of a broken version of a bundled file, one message a line."""
    broken = folder / file.name
    broken.write_text(text, encoding="utf-8")
    try:
        validate_file(broken)
    except ScenarioError as error:
        said = str(error).splitlines()
        assert all(re.match(rf"{re.escape(str(broken))}:\d+:\d+: ", line) for line in said), said
        return [line.removeprefix(f"{broken}:") for line in said]
    finally:
        broken.unlink()  # the next scenario would find it beside itself
    return []


def test_a_typo_is_found_where_it_is_and_the_word_meant_is_suggested(tmp_path: Path) -> None:
    tried, right, wrong = 0, 0, []
    for typo in typos():
        said = complaints(typo.file, typo.text, tmp_path)
        here = [line for line in said if line.startswith(f"{typo.line}:{typo.column}: ")]
        assert here, (typo, said)  # the place is right without exception
        tried += 1
        if any(f"Did you mean {typo.meant!r}?" in line for line in here):
            right += 1
        else:
            wrong.append((typo.meant, here))
    assert tried >= 2_000
    assert right >= 0.95 * tried, (right / tried, wrong[:20])


EDITS: dict[str, Callable[[str], str]] = {
    "a tab before it": lambda line: "\t" + line,
    "no colon": lambda line: line.replace(":", "", 1),
    "no space after the colon": lambda line: line.replace(": ", ":", 1),
    "twice": lambda line: line + line,
    "an open bracket": lambda line: re.sub(r"[\]}]", "", line, count=1),
    "a bracket too many": lambda line: line.rstrip("\n") + "]\n",
    "an alias": lambda line: re.sub(r": .*", ": *x", line, count=1),
    "an anchor": lambda line: re.sub(r": ", ": &x ", line, count=1),
    "a tag": lambda line: re.sub(r": ", ": !!str ", line, count=1),
    "a control character": lambda line: line.rstrip("\n") + "\x07\n",
    "not a number": lambda line: re.sub(r": -?[0-9][0-9.]*", ": .nan", line, count=1),
    "a number in quotes": lambda line: re.sub(
        r": (-?[0-9][0-9.]*)(?=[,} \n])", r": '\1'", line, count=1
    ),
    "a comma for the point": lambda line: re.sub(
        r": ([0-9]+)\.([0-9]+)", r": \1,\2", line, count=1
    ),
    "another unit": lambda line: line.replace(" USD", " EUR", 1) if "#" not in line else line,
    "nothing": lambda line: re.sub(r": [^#>\n{\[]+", ": ", line, count=1),
}
"""Edits of one line; those that leave the line as it is do not count."""


@pytest.mark.parametrize("what", EDITS)
def test_a_line_broken_otherwise_is_found_too(what: str, tmp_path: Path) -> None:
    rng = random.Random(what)
    broken = refused = 0
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        rows = [i for i, line in enumerate(lines) if EDITS[what](line) != line]
        for row in rng.sample(rows, min(3, len(rows))):
            if lines[row].lstrip().startswith("#"):
                continue
            changed = [*lines[:row], EDITS[what](lines[row]), *lines[row + 1 :]]
            said = complaints(file, "".join(changed), tmp_path)
            broken += 1
            refused += bool(said)
    assert broken >= 8
    # what is left are edits inside a text that still reads as text, such as a description
    assert refused >= 0.6 * broken, (refused, broken)
