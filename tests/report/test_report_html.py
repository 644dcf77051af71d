"""Markup and data inside pages: escaped by construction, and the same when read back."""

from __future__ import annotations

import json
import random
import zlib
from base64 import b64decode
from html.parser import HTMLParser

import pytest

from gtalign_training.report.embed import json_script, json_text, packed
from gtalign_training.report.html import Html, breakable, joined, tag, visible
from gtalign_training.report.words import number, percent, signed, usd

STRINGS = 10_000
LETTERS = (
    [chr(code) for code in range(0x20, 0x7F)]
    + list("<>&\"'/\\`\0\x1b\u2028\u2029\ud800\udfff\u202e\ufeff\n\t{}")
    + ["</script>", "<!--", "-->", "]]>", "é", "漢", "🎲"]
)


def test_text_is_escaped_and_markup_is_not() -> None:
    inner = tag("b", "<i>")
    assert inner == "<b>&lt;i&gt;</b>"
    shown = tag("p", inner, " & ", None, ["x", [tag("br")]], class_="a", title='"<')
    assert shown == '<p class="a" title="&quot;&lt;"><b>&lt;i&gt;</b> &amp; x<br></p>'
    assert tag("p", hidden=True, title=None, lang=False) == "<p hidden></p>"
    assert tag("rect", x=0.5) == '<rect x="0.5"/>'
    assert isinstance(joined("<", inner), Html)
    assert tag("p", "a\x1b[2J", title="\u202e") == '<p title="\\u202e">a\\u001b[2J</p>'


def test_a_name_breaks_after_its_joints_and_stays_the_same_text() -> None:
    read = _texts(joined(breakable("openai:http://a.b/c#d_e <x>")))
    assert "".join(read) == "openai:http://a.b/c#d_e <x>"
    assert len(read) > 4


def test_control_and_direction_characters_are_shown() -> None:
    assert visible("a\x1b[31mb\u202ec\ud800\n\u202f%") == "a\\u001b[31mb\\u202ec\ufffd\n\u202f%"


class _Scripts(HTMLParser):
    """Collects what stands in scripts, and every tag and text outside."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.texts: list[str] = []
        self.tags: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = tag == "script"
        if self._inside:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[-1] += data
        else:
            self.texts.append(data)


def _texts(markup: str) -> list[str]:
    parser = _Scripts()
    parser.feed(markup)
    return parser.texts


def _random_strings(count: int) -> list[str]:
    rng = random.Random(5)
    return ["".join(rng.choices(LETTERS, k=rng.randint(0, 12))) for _ in range(count)]


def test_random_strings_come_back_from_json_inside_a_page() -> None:
    strings = _random_strings(STRINGS)
    meant = [one.encode("utf-8", "replace").decode() for one in strings]
    text = json_text(strings)
    assert not set("<>&\u2028\u2029") & set(text)
    parser = _Scripts()
    parser.feed(f"<!doctype html><p>a{json_script('x', strings)}<p>b")
    assert parser.tags == ["p", "script", "p"]
    assert json.loads(parser.scripts[0]) == meant
    assert json.loads(zlib.decompress(b64decode(packed(strings)))) == meant


@pytest.mark.parametrize("strange", [float("nan"), float("inf")])
def test_what_json_has_no_number_for_is_refused(strange: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_text([strange])


def test_numbers_are_written_for_people() -> None:
    assert number(-0.0001, 2) == "0.00"
    assert number(-1234.5, 1) == "−1,234.5"
    assert number(None) == number(float("nan")) == "–"
    assert (signed(0.5), signed(-0.5), signed(0.0)) == ("+0.500", "−0.500", "0.000")
    assert percent(0.123) == "12.3\u202f%"
    assert (usd(0.25), usd(0.0000048763)) == ("0.25000\u202fUSD", "0.0000049\u202fUSD")
