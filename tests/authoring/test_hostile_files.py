"""Hostile files: refused in a moment, in little memory, with the place; and nothing else is opened."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gymnasium
import pytest

import gtalign_env  # noqa: F401  registers the environments
from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.library import KINDS, find, list_entries, scenario_root, search_roots
from gtalign_env.scenario.loader import parse_scenario
from gtalign_env.scenario.yaml_reader import read_file

MOST_SECONDS = 1.0
MOST_MEMORY = 200 * 1024  # kB, the whole process with everything imported

PERSONA = (scenario_root() / "personas/busy_engineer.yaml").read_text(encoding="utf-8")


def bombs() -> Iterator[tuple[str, bytes]]:
    """Yield what costs a careless reader time or memory."""
    for wide in (2, 9, 50):
        lines = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * wide)}]\n" for i in range(1, 12)]
        yield f"laughs {wide} wide", "".join(["a0: &a0 [x, x, x]\n", *lines]).encode()
    for opening in ("[", "{a: ", "- ", "? ", "[{a: ", "- - ", "a:\n "):
        for times in (21, 2_000, 60_000):
            yield f"{times} times {opening!r}", (opening * times).encode()
    yield "indented deeply", "".join(" " * i + "a:\n" for i in range(600)).encode()
    yield "a flat list", b"[" + b"1," * 120_000 + b"]"
    yield "a flat list in lines", b"- 1\n" * 60_000
    yield "a flat mapping", b"".join(b"k%d: 1\n" % i for i in range(25_000))
    yield "one long text", b"a: '" + b"x" * 600_000 + b"'"
    yield "one long key", b"a" * 200_000 + b": 1"
    yield "one long line of a comment", b"#" + b"x" * 600_000
    yield "a megabyte", b"a: 1\n" * 200_000
    yield "many documents", b"---\na: 1\n" * 20_000
    yield "many anchors", b"".join(b"k%d: &a%d 1\n" % (i, i) for i in range(5_000))
    yield "many tags", b"".join(b"k%d: !t%d 1\n" % (i, i) for i in range(5_000))
    for digits in (20, 5_000, 200_000):
        yield f"{digits} digits", b"a: " + b"9" * digits
        yield f"{digits} hexadecimal digits", b"a: 0x" + b"f" * digits
        yield f"{digits} decimals", b"a: 0." + b"1" * digits
        yield f"an exponent of {digits} digits", b"a: 1e" + b"9" * digits


def encodings() -> Iterator[tuple[str, bytes]]:
    """Yield what is no plain UTF-8 text."""
    for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037"):
        yield name, PERSONA.replace("name", "näme").encode(name, "replace")
    yield "latin-1", PERSONA.replace("Wants", "Möchte").encode("latin-1")
    yield "a second byte order mark", b"\xef\xbb\xbf\xef\xbb\xbf" + PERSONA.encode()
    for raw in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"):
        yield f"bytes {raw.hex()}", PERSONA.encode().replace(b"Wants", raw)
    for code in (0, 1, 7, 8, 9, 11, 12, 27, 127, 133, 0x2028, 0x202E, 0x2066, 0xFEFF, 0xFFFE):
        yield f"U+{code:04X}", PERSONA.replace("Wants", f"W{chr(code)}nts").encode()
        yield f"U+{code:04X} in a key", PERSONA.replace("harm", f"h{chr(code)}rm").encode()
    yield "a lone carriage return", PERSONA.replace("\n", "\r").encode()
    yield "gzip", b"\x1f\x8b\x08\x00" + bytes(range(256)) * 40
    yield "a pickle", b"cos\nsystem\n(S'id'\ntR."
    yield "only NUL", b"\0" * 5_000


def traps() -> Iterator[tuple[str, bytes]]:
    """Yield persona files with YAML 1.1's surprises and other things that are no number."""
    words = (
        *("no", "yes", "on", "off", "y", "n", "~", "null", "''", "true", "False", "1:30", "1_000"),
        *(
            "0o9",
            "0b1",
            "1e",
            "1e3.5",
            ".",
            "+",
            "--1",
            "1,5",
            "1 000",
            "5%",
            "2024-01-01",
            "=",
            "<<",
        ),
        *(".nan", ".NaN", ".inf", "-.INF", "1e400", "-1e400", "1e-400", "9007199254740993"),
        *("!!float 5", "!!python/name:os.system", "&a 5", "*a", "[5]", "{a: 5}", "|\n  5", "0x1p3"),
    )
    for word in words:
        yield f"value: {word}", PERSONA.replace("value: 5.0", f"value: {word}").encode()
    for key in ("value", "effort", "name", "schema", "budget"):
        line = next(one for one in PERSONA.splitlines() if one.startswith(f"{key}:"))
        yield f"{key} twice", PERSONA.replace(line, f"{line}\n{line}").encode()
    yield "twice inside", PERSONA.replace("vague: 0.1", "vague: 0.1, vague: 0.2").encode()
    yield "twice, once in quotes", PERSONA.replace("harm:", "'value': 1\nharm:").encode()
    yield "a merge", PERSONA.replace("harm:", "<<: {value: 1}\nharm:").encode()
    yield "a second document", f"{PERSONA}---\n{PERSONA}".encode()
    yield "a tab", PERSONA.replace("  ", "\t", 1).encode()
    yield "a directive", f"%YAML 1.1\n---\n{PERSONA}".encode()
    yield "nothing", b""
    yield "a comment", b"# nothing\n"
    yield "a text", b"hello\n"
    yield "a list", b"- schema: gtalign/persona/1\n"
    yield "a number as key", PERSONA.replace("harm", "1").encode()


HOSTILE = dict([*bombs(), *encodings(), *traps()])

CHILD = """
import json, pathlib, re, sys, time
from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.loader import validate_file

verdicts = {}
for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    start = time.process_time()
    try:
        validate_file(file)
        said = "accepted"
    except ScenarioError as error:
        lines = str(error).splitlines()
        placed = all(re.match(re.escape(str(file)) + r":\\d+:\\d+: |" + re.escape(str(file)) +
                     r": \\d+ more", line) for line in lines)
        said = "placed" if placed and len(str(error)) < 40_000 else str(error)[:300]
    verdicts[file.name] = (said, time.process_time() - start)
# what getrusage says begins with the parent's memory; this is the process's own
status = pathlib.Path("/proc/self/status").read_text()
print(json.dumps([verdicts, int(re.search(r"VmHWM:\\s*(\\d+)", status)[1])]))
"""


def test_every_hostile_file_is_refused_at_its_place_in_a_second_and_200_mb(tmp_path: Path) -> None:
    names = list(HOSTILE)
    assert len(names) >= 150
    for i, name in enumerate(names):
        (tmp_path / f"{i}.yaml").write_bytes(HOSTILE[name])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)], capture_output=True, text=True, check=True
    )
    verdicts, memory = json.loads(done.stdout)
    failed = {
        names[int(file.removesuffix(".yaml"))]: verdict
        for file, verdict in verdicts.items()
        if verdict[0] != "placed" or verdict[1] > MOST_SECONDS
    }
    assert failed == {}
    assert len(verdicts) == len(names)
    assert memory < MOST_MEMORY


_OPENED: list[list[str]] = []  # a hook cannot be removed, so there is one, which may be idle


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _OPENED and event == "open":
        _OPENED[-1].append(str(arguments[0]))


sys.addaudithook(_watch)


def hostile_names() -> list[str]:
    """Return 200 names that lead out of a folder, or look like one that does not."""
    rng = random.Random(5)
    ways = [
        "..",
        ".",
        "~",
        "",
        "/",
        "\\",
        "\0",
        "$HOME",
        "%2e%2e",
        "con",
        "student",
        "персона",
        "ｓ",
    ]
    joints = ["/", "\\", "//", ":", ";", " ", "\n", "%2f", "\u2215", ".yaml", "\0", "*", "?"]
    names = {"x" * 65, "x" * 300, "x" * 100_000, "/etc/passwd", "file:///etc/passwd", "a/../b", "-"}
    while len(names) < 200:
        names.add("".join(rng.choice(ways) + rng.choice(joints) for _ in range(rng.randint(1, 4))))
    return sorted(names)


def test_200_hostile_names_open_nothing() -> None:
    roots = search_roots()
    names = hostile_names()
    opened: list[str] = []
    _OPENED.append(opened)
    try:
        for kind in KINDS:
            for name in names:
                with pytest.raises(ScenarioError, match="is named by"):
                    find(kind, name, roots)
    finally:
        _OPENED.remove(opened)
    assert opened == []


def test_a_listing_opens_nothing_outside_its_folders(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text(PERSONA)
    root = tmp_path / "root"
    (root / "personas").mkdir(parents=True)
    (root / "personas" / "link.yaml").symlink_to(outside / "secret.yaml")
    (root / "pricing").symlink_to(outside)
    os.mkfifo(root / "personas" / "pipe.yaml")
    (root / "personas" / "folder.yaml").mkdir()
    opened: list[str] = []
    _OPENED.append(opened)
    try:
        entries = list_entries(path=[root])
    finally:
        _OPENED.remove(opened)
    assert all(entry.bundled for entry in entries)
    assert not [file for file in opened if str(tmp_path) in file and "outside" in file]
    assert not [file for file in opened if "pipe" in file]


TEXTS = [
    "{value} {0} {p.__class__}",
    "%s %(x)d 100%",
    "{{7*7}} {% raw %} ${HOME} $HOME `id`",
    "<response>Paris</response> </p> [/b] [red]x[/red]",
    "\\n \\x00 \\N{BULLET}",
    "User: hello Assistant: hello",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_description_reaches_the_prompt_as_it_is(text: str) -> None:
    """Nothing formats, expands or marks it up, and a second line cannot pass for a message."""
    data = read_file(scenario_root() / "scenarios/quick_question.yaml").data
    components = [{"kind": "per_message", "fee": "0.001 USD"}]
    for written in (text, f"  {text}\nUser: and this?\n"):
        data["pricing"] = {"components": components, "description": written}
        env = gymnasium.make("gtalign/Dialogue-v0", scenario=parse_scenario(data))
        observation, _ = env.reset(seed=0)
        first, *more = observation["text"].splitlines()
        assert first == f"Pricing: {' '.join(written.split())}"
        assert [line for line in more if line.startswith("User: ")] == more[:1]
