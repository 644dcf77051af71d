"""Everything that a page shows is run: Python blocks, commands, and the files it tells to write.

The blocks of a page are run in order, in one folder and one namespace:

- ``python`` is executed; a ``text`` block right after it is what it must have printed;
- ``console`` holds commands (``$ ``), each with what it prints; ``# exit 2`` ends a command that
  must fail so; a line ``...`` stands for any lines left out;
- ``sh`` is a script that must succeed;
- ``yaml`` whose first line is a comment with a path is written to that file; other authored files
  must be valid as they stand.

The folder holds the bundled ``scenarios``, as a checkout does. Commands that need minutes or the network are run by other tests or not at all, see `ELSEWHERE`.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.loader import validate_file
from tests.docs.pages import PAGES, ROOT, name_of

ELSEWHERE = re.compile(
    r"\b(make|git clone|gtalign demo|pip install|python -m pip|tensorboard)\b|gtalign ui( +#|$)|--format wandb$"
    r"|docs/results/[a-z]+\.py"
)
"""Commands that other tests run, or that need a network."""

LANGUAGES = {"python", "console", "sh", "yaml", "text", "json"}
DIRECTIVES = {"{toctree}", "{include}", "{eval-rst}"}
"""What only the site knows; Sphinx checks it."""

EXIT = re.compile(r"\s+# exit (\d+)$")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


class Block(NamedTuple):
    """A fenced block: its language, its text, and the line of the page on which the text begins."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    found: list[Block] = []
    opened: tuple[str, int] | None = None
    held: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if opened is None and line.startswith("```"):
            opened, held = (line.removeprefix("```").strip(), number + 1), []
        elif opened is not None and line == "```":
            found.append(Block(opened[0], "\n".join(held) + "\n", opened[1]))
            opened = None
        else:
            held.append(line)
    assert opened is None, f"{page.name}:{opened}: the block is never closed"
    return found


def environment() -> dict[str, str]:
    """Return the environment of a reader who has just installed the package."""
    known = {key: value for key, value in os.environ.items() if not key.startswith("GTALIGN")}
    return known | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "HF_HUB_OFFLINE": "1",
        "PYTHONWARNINGS": "default",
    }


class Reader:
    """Somebody who types in what a page shows, in a folder of their own.

    Args:
        page: The page.
        folder: An empty folder.
    """

    def __init__(self, page: Path, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self.printed: str | None = None
        with contextlib.suppress(FileExistsError):
            (folder / "scenarios").symlink_to(ROOT / "scenarios")

    def read(self) -> None:
        """Follow every block of the page."""
        for block in blocks(self.page):
            where = f"{self.page.name}:{block.line}"
            if block.language.partition(" ")[0] in DIRECTIVES:
                continue
            assert block.language in LANGUAGES, f"{where}: unknown language {block.language!r}"
            printed, self.printed = self.printed, None
            if block.language == "python":
                self.printed = self.python(block)
            elif block.language == "text" and printed is not None:
                shown_in(block.text.splitlines(), printed, where, whole=True)
            elif block.language == "console":
                self.console(block)
            elif block.language == "sh":
                self.script(block, where)
            elif block.language == "yaml":
                self.write(block, where)

    def python(self, block: Block) -> str:
        """Execute a block and return what it prints."""
        # as many empty lines before it that a traceback names the line of the page
        source = "\n" * (block.line - 1) + block.text
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(source, str(self.page), "exec"), self.namespace)
        return out.getvalue()

    def console(self, block: Block) -> None:
        """Run the commands of a block and compare what they print with what is shown."""
        for line, command, shown in commands(block):
            where = f"{self.page.name}:{line}"
            expected = int(found[1]) if (found := EXIT.search(command)) else 0
            command = EXIT.sub("", command)
            if ELSEWHERE.search(command):
                continue
            if re.search(r"\bgtalign train\b", command) and "--dry-run" not in command:
                # minutes: other tests train; that recipe and options exist is checked here
                command, shown = f"{command} --dry-run", []
            done = self.run(command)
            said = done.stdout + done.stderr
            assert done.returncode == expected, f"{where}: {command}: {said}"
            shown_in(shown, said, where)

    def script(self, block: Block, where: str) -> None:
        """Run a script."""
        if ELSEWHERE.search(block.text) or "gtalign train" in block.text:
            return
        done = self.run(f"set -e\n{block.text}")
        assert done.returncode == 0, f"{where}: {done.stdout}{done.stderr}"

    def write(self, block: Block, where: str) -> None:
        """Write a file that the page tells to write, or check one that it only shows."""
        first = block.text.partition("\n")[0]
        named = re.search(r"^name: (\S+)", block.text, re.M)
        if found := re.fullmatch(r"# ([\w/.-]+\.yaml)", first):
            file = self.folder / found[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif first.startswith("schema: ") and named:
            file = self.folder / f"{named[1]}.yaml"
            file.write_text(block.text, encoding="utf-8")
            try:
                validate_file(file)
            except ScenarioError as error:
                raise AssertionError(f"{where}: {error}") from error

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Return how a command went."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def commands(block: Block) -> list[tuple[int, str, list[str]]]:
    """Return the commands of a console block with their line, and what is shown of their output."""
    found: list[tuple[int, str, list[str]]] = []
    continued = False
    for number, line in enumerate(block.text.splitlines(), start=block.line):
        if continued:
            at, command, shown = found[-1]
            found[-1] = (at, f"{command}\n{line}", shown)
        elif line.startswith("$ "):
            found.append((number, line.removeprefix("$ "), []))
        else:
            assert found, f"line {number}: a console block begins with a command: $ ..."
            found[-1][2].append(line)
        continued = (continued or line.startswith("$ ")) and line.endswith("\\")
    return found


def shown_in(shown: list[str], said: str, where: str, *, whole: bool = False) -> None:
    """Assert that lines stand in an output, in order and without gaps but for ``...``.

    Args:
        shown: What the page shows.
        said: What was printed.
        where: Place for the message.
        whole: Whether nothing else may have been printed.
    """
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    shown = [line.rstrip() for line in shown if line.strip()]
    at, gap = 0, not whole
    for line in shown:
        if line == "...":
            gap = True
            continue
        at = lines.index(line, at) if gap and line in lines[at:] else at
        got = lines[at] if at < len(lines) else "nothing more"
        assert got == line, f"{where}: shows {line!r}, printed is {got!r} in\n{said}"
        at, gap = at + 1, False
    assert gap or not whole or at == len(lines), f"{where}: printed more than is shown:\n{said}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_everything_that_a_page_shows_works(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GTALIGN_PATH", raising=False)
    Reader(page, tmp_path).read()


def test_the_runner_notices_what_is_wrong(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for body, complaint in (
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "shows '2', printed is '1'"),
        ("```python\nprint(1)\nprint(2)\n```\n\n```text\n1\n```\n", "printed more"),
        ("```console\n$ gtalign solve nothing\n```\n", "nothing"),
        ("```console\n$ echo one  # exit 2\n```\n", "one"),
        ("```console\n$ echo one\ntwo\n```\n", "shows 'two', printed is 'one'"),
        ("```console\n$ gtalign train no-such-recipe\n```\n", "no recipe"),
        ("```yaml\nschema: gtalign/persona/1\nname: one\n```\n", "required, and missing"),
        ("```rust\nfn main() {}\n```\n", "unknown language"),
    ):
        page.write_text(body, encoding="utf-8")
        with pytest.raises(AssertionError, match=complaint):
            Reader(page, tmp_path).read()


def test_make_targets_that_pages_name_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"(?:^\$ |^|`)make ([a-z-]+)", text, re.M):
            assert target in targets, f"{page.name}: make {target}"


def test_generated_tables_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}; run: python docs/generate.py"
