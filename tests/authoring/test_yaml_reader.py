"""The YAML reader: what plain scalars mean, what is refused, and where."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario import yaml_reader
from gtalign_env.scenario.yaml_reader import MAX_BYTES, MAX_NODES, read_bytes, read_file, read_text

MEANINGS = [
    ("no", "no"),
    ("yes", "yes"),
    ("on", "on"),
    ("1:30", "1:30"),
    ("2024-01-01", "2024-01-01"),
    ("010", 10),
    ("0o10", 8),
    ("0x1F", 31),
    ("1_000", "1_000"),
    ("1e3", 1000.0),
    ("+.5", 0.5),
    ("-3.", -3.0),
    ("1e", "1e"),
    ("-0x1", "-0x1"),
    ("inf", "inf"),
    ("nan", "nan"),
    ("true", True),
    ("False", False),
    ("tRUE", "tRUE"),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("", None),
    ("'1'", "1"),
    ('"true"', "true"),
    ("0.05 USD", "0.05 USD"),
    ("9007199254740992", 2**53),
    ("0000000000000000000000000000001", 1),
    ("1.10", 1.1),
]


@pytest.mark.parametrize(("text", "meaning"), MEANINGS)
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, meaning: object) -> None:
    value = read_text(f"key: {text}\n", "f").data["key"]
    assert value == meaning
    assert type(value) is type(meaning)


REFUSED = {
    "empty": ("", 1, 1, "empty"),
    "only a comment": ("# nothing\n", 1, 1, "empty"),
    "anchor": ("a: &x 1\n", 1, 4, "anchors"),
    "anchored mapping": ("a: &x {b: 1}\n", 1, 4, "anchors"),
    "alias": ("a: 1\nb: *x\n", 2, 4, "aliases"),
    "laughs": ("a: &a [x]\nb: &b [*a, *a]\n", 2, 8, "aliases"),
    "alias as key": ("*x : 1\n", 1, 1, "aliases"),
    "python tag": ("a: !!python/object/apply:os.system [x]\n", 1, 4, "tags"),
    "local tag": ("a: !thing 1\n", 1, 4, "tags"),
    "core tag": ("a: !!str 1\n", 1, 4, "tags"),
    "binary": ("a: !!binary aGk=\n", 1, 4, "tags"),
    "non-specific tag": ("a: ! 1\n", 1, 4, "tags"),
    "merge key": ("a:\n  <<: {b: 1}\n", 2, 3, "merge keys"),
    "repeated key": ("a: 1\nb: 2\na: 3\n", 3, 1, "already on line 1"),
    "repeated nested key": ("a: {b: 1, b: 2}\n", 1, 11, "already on line 1"),
    "repeated quoted key": ("a: 1\n'a': 2\n", 2, 1, "already on line 1"),
    "integer key": ("a: 1\n1: 2\n", 2, 1, "key must be text"),
    "boolean key": ("true: 2\n", 1, 1, "key must be text"),
    "null key": ("~: 2\n", 1, 1, "key must be text"),
    "list key": ("? [a]\n: 1\n", 1, 3, "key must be text"),
    "mapping key": ("{a: 1}: 1\n", 1, 1, "key must be text"),
    "nan": ("a: .nan\n", 1, 4, "finite"),
    "infinity": ("a: -.inf\n", 1, 4, "finite"),
    "overflow": ("a: 1e400\n", 1, 4, "finite"),
    "underflow": ("a: 1e-400\n", 1, 4, "vanish"),
    "too many digits": ("a: 0.1000000000000000055\n", 1, 4, "significant digits"),
    "huge integer": ("a: 9007199254740993\n", 1, 4, "2^53"),
    "huge negative": ("a: -9007199254740993\n", 1, 4, "2^53"),
    "hex monster": (f"a: 0x{'f' * 100_000}\n", 1, 4, "2^53"),
    "octal monster": (f"a: 0o{'7' * 100_000}\n", 1, 4, "2^53"),
    "decimal monster": (f"a: {'9' * 100_000}\n", 1, 4, "2^53"),
    "two documents": ("a: 1\n---\nb: 2\n", 2, 1, "one document"),
    "yaml directive": ("%YAML 1.1\n---\na: 1\n", 1, 1, "directives"),
    "tag directive": ("%TAG ! tag:x,2000:\n---\na: 1\n", 1, 1, "directives"),
    "tab indent": ("a:\n\tb: 1\n", 2, 1, "spaces, not tabs"),
    "tab before comment": ("a: 1\t# x\n", 1, 5, "spaces, not tabs"),
    "NUL": ("a: x\0y\n", 1, 5, "U+0000"),
    "escape character": ("a: \x1b[31m\n", 1, 4, "U+001B"),
    "delete character": ("a: \x7f\n", 1, 4, "U+007F"),
    "lone carriage return": ("a: 1\rb: 2\n", 1, 5, "U+000D"),
    "right-to-left override": ("a: \u202ex\n", 1, 4, "U+202E"),
    "line separator": ("a: x\u2028b: y\n", 1, 5, "U+2028"),
    "inner BOM": ("a: x\ufeffy\n", 1, 5, "U+FEFF"),
    "NUL by escape": ('a: "\\0"\n', 1, 4, "U+0000"),
    "control by escape": ('a: "\\e[0m"\n', 1, 4, "U+001B"),
    "override by escape": ('a: "\\u202e"\n', 1, 4, "U+202E"),
    "surrogate by escape": ('a: "\\ud800"\n', 1, 7, "valid YAML"),
    "unclosed list": ("a: [1,\n", 2, 1, "valid YAML"),
    "unclosed quote": ("a: 'x\n", 2, 1, "valid YAML"),
    "colon in value": ("a: b: c\n", 1, 5, "valid YAML"),
    "bad indent": ("a:\n  b: 1\n c: 2\n", 3, 2, "valid YAML"),
    "reserved at sign": ("a: @x\n", 1, 4, "valid YAML"),
    "list bomb": ("[" * 200_000, 1, 21, "20 deep"),
    "dash bomb": ("- " * 100_000, 1, 41, "20 deep"),
    "mapping bomb": ("{a: " * 60_000, 1, 81, "20 deep"),
    "question bomb": ("? " * 100_000, 1, 3, "key must be text"),
    "many keys": ("\n".join(f"k{i}: 1" for i in range(6000)), 5000, 8, "10,000 nodes"),
    "many items": ("[" + "1," * 20_000 + "]", 1, 2 * MAX_NODES, "10,000 nodes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_yaml_is_refused_at_its_place_and_at_once(name: str) -> None:
    text, line, column, said = REFUSED[name]
    start = time.process_time()
    with pytest.raises(ScenarioError, match=r"^f\.yaml:") as caught:
        read_text(text, "f.yaml")
    assert time.process_time() - start < 1.0
    lines = str(caught.value).splitlines()
    assert any(one.startswith(f"f.yaml:{line}:{column}: ") and said in one for one in lines), lines
    assert all(len(one) < 200 for one in lines)
    assert str(caught.value).isprintable() or "\n" in str(caught.value)


def test_the_pure_python_parser_refuses_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "_LOADER", yaml.SafeLoader)
    for text, *_ in REFUSED.values():
        if len(text) < 1000:
            with pytest.raises(ScenarioError, match=r"^f.yaml:\d+:\d+: "):
                read_text(text, "f.yaml")
    assert read_text("a: [1, {b: no}]\n", "f").data == {"a": [1, {"b": "no"}]}


ADVICE = {
    "a:\n  b: 1\n c: 2\n": "Indent it and the line above",
    "a:\n  - b: 1\n   - c: 2\n": "Indent it and the line above",
    "a: {b: 1}}\n": "close brackets",
    "a: 'it's'\n": "close brackets and quotes",
    "a: b: c\n": "quote text with ': '",
    "a:1\nb: 2\n": "a space after each colon",
    "a: [1, 2\nb: 3\n": "a closing ] is missing",
    "a: {b: 1\nc: 2\n": "a closing } is missing",
    "a: 'x\nb: 1\n": "A quote is never closed",
    "a: `x`\n": "Quote a text that begins so",
    "a: 1\nb\nc: 2\n": "'field: value'",
}


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml_reader._LOADER])
@pytest.mark.parametrize("text", ADVICE)
def test_a_mistake_in_yaml_itself_comes_with_advice(
    text: str, loader: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_reader, "_LOADER", loader)
    with pytest.raises(ScenarioError) as caught:
        read_text(text, "f")
    (line,) = str(caught.value).splitlines()
    assert ADVICE[text] in line
    assert len(line) < 200


def test_nesting_of_exactly_the_limit_is_read() -> None:
    text = "[" * yaml_reader.MAX_DEPTH + "]" * yaml_reader.MAX_DEPTH
    assert str(read_text(text, "f").data) == text


def test_all_problems_of_a_file_are_listed_in_order() -> None:
    with pytest.raises(ScenarioError) as caught:
        read_text("a: .nan\nb: !x 1\n1: 2\na: 1e999\n", "f")
    heads = [line.split(": ")[0] for line in str(caught.value).splitlines()]
    assert heads == ["f:1:4", "f:2:4", "f:3:1", "f:4:1", "f:4:4"]


def test_very_many_problems_are_cut_short() -> None:
    with pytest.raises(ScenarioError, match="400 more problems") as caught:
        read_text("\n".join(["- .nan"] * 500), "f")
    assert len(str(caught.value).splitlines()) == yaml_reader.MAX_REPORTED + 1


def test_files_beyond_the_size_limit_are_not_parsed(tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    file.write_bytes(b"a: 1\n" + b"#" * MAX_BYTES)
    with pytest.raises(ScenarioError, match="at most 256 kB"):
        read_file(file)
    with pytest.raises(ScenarioError, match="at most 256 kB"):
        read_text("a: 1\n" + "#" * MAX_BYTES, "f")


def test_invalid_utf8_is_refused_at_its_place() -> None:
    with pytest.raises(ScenarioError, match=r"^f:2:4: must be UTF-8"):
        read_bytes(b"a: 1\nb: \xff\n", "f")
    with pytest.raises(ScenarioError, match="UTF-8"):
        read_bytes("a: 1\n".encode("utf-16"), "f")


def test_a_byte_order_mark_and_crlf_change_nothing() -> None:
    document = read_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "f")
    assert document.data == {"a": 1, "b": 2}
    assert document.locate(("b",)) == (2, 4)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="it is a folder"):
        read_file(tmp_path)
    with pytest.raises(ScenarioError, match=r"absent\.yaml: there is no such file"):
        read_file(tmp_path / "absent.yaml")
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    with pytest.raises(ScenarioError, match="not a file"):
        read_file(pipe)


def test_places_of_keys_and_values() -> None:
    document = read_text("a:\n  - b: 1\n    c: {d: x}\n  - 7\n", "f")
    assert document.locate(("a", 0, "c", "d")) == (3, 12)
    assert document.locate(("a", 0, "c", "d"), key=True) == (3, 9)
    assert document.locate(("a", 1)) == (4, 5)
    assert document.locate(("a", 0, "absent", "deeper")) == document.locate(("a", 0)) == (2, 5)
    assert document.locate(()) == (1, 1)


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(-1e300, 1e300, allow_subnormal=False)
    | st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=8)
)
_DATA = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcdefgh <>", min_size=1, max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_DATA)
def test_json_is_read_as_itself(data: object) -> None:
    """JSON is YAML 1.2, so a dump of anything must come back equal, types included."""
    text = json.dumps({"root": data}, ensure_ascii=False)
    found = read_text(text, "f").data["root"]
    assert found == data
    assert json.dumps(found, ensure_ascii=False) == json.dumps(data, ensure_ascii=False)


@given(st.text(max_size=60) | st.text("{}[]:,-?&*!|>'\"#%@ \nab1.", max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        document = read_text(text, "f")
    except ScenarioError:
        return
    json.dumps(document.data, allow_nan=False)
    assert all(line >= 1 and column >= 1 for line, column in document.values.values())
