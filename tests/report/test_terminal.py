"""Escape sequences and markup in files, names and arguments, through commands on a real terminal.

Nothing but the program's own colours and cursor moves may reach the terminal, nothing is read as
markup, and no line is wider than the terminal.
"""

from __future__ import annotations

import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from fcntl import ioctl
from pathlib import Path

import pytest

from gtalign_env.scenario.library import scenario_root
from gtalign_training.run_folder import write_json
from tests.report.hostile import TERMINAL_STRINGS

COLUMNS = 100
OWN = re.compile(r"\x1b\[(\?25[lh]|[0-9;]*m|[12]?K|[0-9]*[AG])|\r\x1b\[2K|\r\n|\r(?=\x1b\[)")
"""What a program may send: colours, and the cursor moves of progress bars."""

FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066\u2069\u2028\u2029]")
NAMED = "\x1b[31mred\x1b]0;title\x07[/b][red]\u202e"


def on_a_terminal(
    arguments: Sequence[str], folder: Path, typed: str = "", columns: int = COLUMNS
) -> str:
    """Return what a command sends to a terminal of its own.

    Args:
        arguments: After ``gtalign``.
        folder: Where it runs.
        typed: What is typed.
        columns: Width of the terminal.
    """
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    mode = termios.tcgetattr(theirs)
    mode[3] &= ~termios.ECHO  # what is typed is the typist's own
    termios.tcsetattr(theirs, termios.TCSANOW, mode)
    known = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    child = subprocess.Popen(
        [sys.executable, "-m", "gtalign_training.cli", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=known | {"TERM": "xterm-256color", "FORCE_COLOR": "1", "PYTHONWARNINGS": "ignore"},
        close_fds=True,
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    data = b""
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not read:
            break
        data += read
    os.close(ours)
    child.wait()
    return data.decode("utf-8", "replace")


def harmless(sent: str) -> str:
    """Return what is seen, and fail if anything was sent that is not the program's own."""
    seen = OWN.sub(lambda match: "\n" if "\n" in match[0] else "", sent)
    assert not FORBIDDEN.search(seen), FORBIDDEN.findall(seen)[:5]
    for word in ("MarkupError", "Traceback"):
        assert word not in seen, seen[-2000:]
    return seen


def described(root: Path, kind: str, name: str, description: str, renamed: str = "") -> Path:
    """Write an entry of the library with another description, and return its file."""
    text = (scenario_root() / kind / f"{name}.yaml").read_text(encoding="utf-8")
    told = f"description: {json.dumps(description)}"
    text = re.sub(r"^description: .*$", lambda match: told, text, count=1, flags=re.MULTILINE)
    if renamed:
        text = text.replace(f"name: {name}", f"name: {renamed}", 1)
    (root / kind).mkdir(exist_ok=True)
    file = root / kind / f"{renamed or name}.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose scenario, persona and price are described by every string that files may hold."""
    root = tmp_path_factory.mktemp("library")
    every = " ".join(one for one in TERMINAL_STRINGS if one.isprintable())
    described(root, "scenarios", "quick_question", every)
    described(root, "personas", "busy_engineer", every)
    described(root, "pricing", "per_token", every)
    return root


@pytest.mark.parametrize("kind", ["scenario", "persona", "pricing"])
def test_list_prints_descriptions_as_text(kind: str, library: Path) -> None:
    seen = harmless(on_a_terminal(["list", kind, "--path", str(library)], library))
    assert "[/b]" in seen
    assert max(map(len, seen.splitlines())) <= COLUMNS


def test_show_prints_files_as_text(library: Path) -> None:
    for name in ("quick_question", "per_token"):
        seen = harmless(on_a_terminal(["show", name, "--path", str(library)], library))
        assert "[link=" in seen
        assert "[conceal]" in seen


def test_files_with_control_characters_are_refused_in_words(tmp_path: Path) -> None:
    strange = [one for one in TERMINAL_STRINGS if not one.isprintable()]
    files = [
        described(tmp_path, "personas", "student", one, f"p{k}") for k, one in enumerate(strange)
    ]
    names = [str(file.relative_to(tmp_path)) for file in files]
    seen = harmless(on_a_terminal(["validate", *names], tmp_path, columns=200))
    assert seen.count("is not allowed") > 30
    seen = harmless(on_a_terminal(["list", "persona", "--path", str(tmp_path)], tmp_path))
    assert "p0" in seen


def test_run_and_report_print_names_as_text(library: Path, tmp_path: Path) -> None:
    out = f"runs {NAMED}"
    command = ["run", "quick_question", "--path", str(library), "--episodes", "5", "--out", out]
    seen = harmless(on_a_terminal(command, tmp_path))
    assert "[/b]" in seen
    told = json.loads((tmp_path / out / "run.json").read_text())
    write_json(tmp_path / out / "run.json", told | {"gtalign-env": " ".join(TERMINAL_STRINGS)})
    (tmp_path / out / "events.jsonl").write_bytes(b"broken")
    seen = harmless(on_a_terminal(["report", out], tmp_path))
    assert "[@click=app.bell]" in seen
    assert (tmp_path / out / "report.html").exists()
    seen = harmless(on_a_terminal(["report", out, "--json"], tmp_path))
    assert "[conceal]" in seen


@pytest.mark.parametrize(
    "command",
    [
        ["report", NAMED],
        ["run", "quick_question", "--user", NAMED],
        ["run", NAMED],
        ["play", "quick_question", "--opponent", NAMED],
        ["show", NAMED],
        ["list", NAMED],
    ],
    ids=lambda command: command[0],
)
def test_mistakes_are_told_as_text(command: list[str], tmp_path: Path) -> None:
    seen = harmless(on_a_terminal(command, tmp_path, columns=200))
    assert "[/b]" in seen
    assert "x1b[31mred" in seen  # shown escaped, not obeyed


def test_what_is_typed_in_a_game_is_told_as_text(tmp_path: Path) -> None:
    # what a terminal takes for signals, line ends or editing never reaches a program
    kept = set("\x00\x0b\x0c\x0e\x0f\x7f\x08\r\x85\u2028")
    words = " ".join(one for one in TERMINAL_STRINGS if not kept & set(one))
    command = ["play", "quick_question", "--as", "assistant", "--words", "--seed", "3"]
    seen = harmless(on_a_terminal(command, tmp_path, f"Which one do you mean? {words}\n\x04"))
    assert "[conceal]" in seen
    assert "x1b[2J" in seen


STRANGE = [one for one in TERMINAL_STRINGS if FORBIDDEN.search(OWN.sub("", one))]


@pytest.mark.parametrize("one", STRANGE, ids=ascii)
def test_the_watch_sees_every_string_that_is_not_the_program_s_own(one: str) -> None:
    with pytest.raises(AssertionError):
        harmless(one)


def test_few_strings_are_what_a_program_may_send_itself() -> None:
    assert len(STRANGE) >= 38
