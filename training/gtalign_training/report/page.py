"""The whole report as one file: nothing is loaded, nothing is sent, nothing but its own script runs."""

from __future__ import annotations

import hashlib
import importlib.resources
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gtalign_env import __version__
from gtalign_training.report.compare import compare
from gtalign_training.report.embed import conversations
from gtalign_training.report.html import Child, Html, breakable, tag
from gtalign_training.report.parts import (
    SIDES,
    Curves,
    Differences,
    Folder,
    Part,
    ShareRows,
    Talks,
    WelfareRows,
)
from gtalign_training.report.sections import build
from gtalign_training.report.words import number, plural

MOST_SMALL = 8
"""Rows of shares that stand beside others on a wide page."""

KINDS = {"run": "run", "training": "training run", "sweep": "sweep", "folder": "folder"}


@dataclass(frozen=True)
class Report:
    """What a page shows.

    Attributes:
        folders: At least one.
        comparisons: Of all results, and within folders.
    """

    folders: tuple[Folder, ...]
    comparisons: tuple[Differences, ...] = ()

    @property
    def talks(self) -> tuple[Talks, ...]:
        """The conversations of all results."""
        return tuple(talks for folder in self.folders for talks in folder.talks)

    @property
    def title(self) -> str:
        """What the page is called."""
        if len(self.folders) == 1:
            return self.folders[0].title
        return f"{plural(len(self.folders), 'result')} side by side"


def page_of(report: Report, made: datetime | None = None) -> str:
    """Return a report as one page of HTML.

    Args:
        report: What to show.
        made: When; left out of the page where it is None, so that equal results give equal pages.
    """
    style, script = _asset("report.css"), _asset("report.js")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"gtalign-env {__version__}"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", report.title),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(style)),
    )
    body = tag(
        "body",
        _PATTERNS,
        tag("a", "Skip to the results", href="#summary", class_="skip"),
        _header(report, made),
        tag("main", _summary(report), _comparisons(report), _details(report), _reader(report)),
        _help(),
        conversations(report.talks) if report.talks else None,
        tag("script", Html(script)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _asset(name: str) -> str:
    return importlib.resources.files(__package__).joinpath("assets", name).read_text("utf-8")


def _hash(content: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


_PATTERNS = tag(
    "svg",
    tag(
        "pattern",
        tag("path", d="M0,6L6,0", class_="hatching"),
        id="hatch",
        width="6",
        height="6",
        patternUnits="userSpaceOnUse",
    ),
    class_="patterns",
    aria_hidden="true",
)


def anchor(folder: int, part: int | None = None) -> str:
    """Return the id of a folder's section, or of a part of it."""
    return f"f{folder}" if part is None else f"f{folder}-{part}"


def _header(report: Report, made: datetime | None) -> Html:
    links = [("#summary", "Summary")]
    if report.comparisons:
        links.append(("#comparison", "Comparison"))
    if len(report.folders) == 1:
        links += [
            (f"#{anchor(0, k)}", part.title) for k, part in enumerate(report.folders[0].parts)
        ]
    else:
        links += [(f"#{anchor(k)}", folder.name) for k, folder in enumerate(report.folders)]
    if report.talks:
        links.append(("#conversations", "Conversations"))
    return tag(
        "header",
        tag(
            "div",
            tag("span", "gtalign report", class_="brand"),
            tag("span", made.strftime("%Y-%m-%d %H:%M UTC") if made else None, class_="dim made"),
            tag(
                "button",
                "Theme: auto",
                type="button",
                id="theme",
                title="light, dark, or as the system (t)",
            ),
            tag("button", "Help", type="button", id="help-button", title="keys (?)"),
            class_="bar",
        ),
        tag("nav", [tag("a", said, href=where) for where, said in links], aria_label="Sections"),
    )


def _summary(report: Report) -> Html:
    return tag(
        "section",
        tag("h1", breakable(report.title)),
        _together(report),
        [_card(folder, alone=len(report.folders) == 1) for folder in report.folders],
        id="summary",
    )


def _together(report: Report) -> Child:
    """Return the welfares of several results on one axis."""
    rows = tuple((one.name, 0, one.headline) for one in report.folders if one.headline)
    if len(report.folders) < 2 or not rows:
        return None
    return build(WelfareRows("Welfare of each result", rows))


def _card(folder: Folder, *, alone: bool) -> Html:
    """Return what there is to know of a folder first: numbers, problems, what it was."""
    heading = (
        []
        if alone
        else [tag("h2", breakable(folder.name)), tag("p", breakable(folder.title), class_="lead")]
    )
    figures = [
        tag(
            "div",
            tag("div", name, class_="figure-name"),
            tag("div", number(folder.headline[side].mean, 2), class_=f"figure-value {side}"),
            tag("div", _span(folder, side), class_="figure-span"),
            class_="figure",
        )
        for side, name in SIDES
        if side in folder.headline and alone
    ]
    problems = [
        tag("ul", [tag("li", one) for one in folder.problems], class_="problems", role="status")
    ]
    facts = tag(
        "dl", [[tag("dt", name), tag("dd", value)] for name, value in folder.about], class_="facts"
    )
    note = f"Points a conversation: {folder.headline_note}." if folder.headline else None
    brief = tag(
        "p", [tag("span", f"{name} ", tag("b", _cut(value))) for name, value in _brief(folder)]
    )
    about = f"What was run ({KINDS.get(folder.kind, folder.kind)} {folder.name})"
    return tag(
        "article",
        heading,
        problems if folder.problems else None,
        tag("div", figures, class_="figures") if figures else None,
        tag("p", note, class_="note") if note else None,
        tag("div", brief, class_="brief"),
        tag("details", tag("summary", about), facts, class_="fold"),
        class_="card",
    )


BRIEF = (
    *("user", "assistant", "algorithm", "conversations", "held-out conversations", "points"),
    *("seed", "status", "gtalign-env", "scenario hash", "scenario hashes", "study hash"),
)
"""What is told of a folder at once; the rest is folded."""

HASH, LONG = 64, 48
"""Letters of a hash, and of the longest fact that is told at once."""


def _brief(folder: Folder) -> list[tuple[str, str]]:
    facts = dict(folder.about)
    return [(name, facts[name]) for name in BRIEF if name in facts]


def _cut(value: str) -> str:
    words = value.split()
    if max(map(len, words), default=0) == HASH:
        return " ".join(f"{word[:10]}…" for word in words)
    return value if len(value) <= LONG else f"{value[: LONG - 1]}…"


def _span(folder: Folder, side: str) -> str:
    one = folder.headline[side]
    if one.low == one.high:
        return "exact"
    return f"{number(one.low, 2)} to {number(one.high, 2)}"


def _comparisons(report: Report) -> Child:
    if not report.comparisons:
        return None
    return tag(
        "section",
        tag("h2", "Comparison"),
        [_part(part, f"comparison-{k}", "h3") for k, part in enumerate(report.comparisons)],
        id="comparison",
    )


def _part(part: Part, name: str, level: str) -> Html:
    return tag(
        "section",
        tag(level, part.title),
        tag("p", part.note, class_="note") if part.note else None,
        build(part),
        id=name,
        class_="part half" if _is_small(part) else "part",
    )


def _is_small(part: Part) -> bool:
    """Return whether two such parts fit side by side on a wide page."""
    if isinstance(part, Curves):
        return len(part.curves) == 1
    return isinstance(part, ShareRows) and len(part.rows) <= MOST_SMALL


def _details(report: Report) -> list[Html]:
    alone = len(report.folders) == 1
    out = []
    for k, folder in enumerate(report.folders):
        if not folder.parts:
            continue
        level = "h2" if alone else "h3"
        parts = [_part(part, anchor(k, n), level) for n, part in enumerate(folder.parts)]
        head = None if alone else tag("h2", breakable(folder.name), class_="folder")
        out.append(tag("section", head, tag("div", parts, class_="parts"), id=anchor(k)))
    return out


def _reader(report: Report) -> Child:
    if not report.talks:
        return None
    total = sum(len(talks.records) for talks in report.talks)
    filters = [
        ("run", "Result"),
        ("regime", "Price"),
        ("persona", "Persona"),
        ("ending", "Ending"),
        ("fault", "Fault"),
        ("move", "Move"),
        ("sign", "Label"),
        ("welfare", "Joint W"),
    ]
    return tag(
        "section",
        tag("h2", "Conversations"),
        tag(
            "p",
            f"{plural(total, 'conversation')}; ",
            tag("kbd", "j"),
            " and ",
            tag("kbd", "k"),
            " go through them, ",
            tag("kbd", "/"),
            " searches, ",
            tag("kbd", "?"),
            " tells more.",
            class_="note screen",
        ),
        tag("noscript", tag("p", "Conversations are shown by the page’s script, which is off.")),
        tag(
            "div",
            tag(
                "input",
                type="search",
                id="search",
                placeholder="Search what was said…",
                aria_label="Search what was said",
                spellcheck="false",
            ),
            [
                tag("label", tag("span", said), tag("select", id=f"filter-{name}"), class_="filter")
                for name, said in filters
            ],
            tag("label", tag("span", "Order"), tag("select", _ORDERS, id="sort"), class_="filter"),
            tag("button", "Clear", type="button", id="clear"),
            class_="filters",
        ),
        tag(
            "p",
            f"{total:,} of {total:,}",
            id="found",
            class_="dim",
            role="status",
            aria_live="polite",
        ),
        tag(
            "div",
            tag(
                "div",
                tag("div", id="rows"),
                id="list",
                role="listbox",
                tabindex="0",
                aria_label="Conversations",
            ),
            tag("article", id="talk", aria_label="The conversation", tabindex="-1"),
            class_="reader",
            id="reader",
        ),
        id="conversations",
    )


_ORDERS = [
    tag("option", said, value=value)
    for value, said in (
        ("", "as played"),
        ("w", "lowest W first"),
        ("W", "highest W first"),
        ("u", "lowest U first"),
        ("l", "lowest L first"),
    )
]

_KEYS = (
    ("j  ↓", "next conversation"),
    ("k  ↑", "previous conversation"),
    ("/", "search"),
    ("e", "open or close all blocks"),
    ("r", "raw JSON"),
    ("t", "light, dark, or as the system"),
    ("Esc", "clear the search, close what is open"),
    ("?", "this help"),
)


def _help() -> Html:
    rows = [
        tag("tr", tag("th", tag("kbd", keys), scope="row"), tag("td", what)) for keys, what in _KEYS
    ]
    return tag(
        "dialog",
        tag("h2", "Keys"),
        tag("table", tag("tbody", rows)),
        tag(
            "p",
            "The address of an open conversation can be sent: it leads back to it.",
            class_="note",
        ),
        tag("form", tag("button", "Close"), method="dialog"),
        id="help",
    )


def now() -> datetime:
    """Return the time that a page says it was made at."""
    return datetime.now(UTC)


def comparisons_of(folders: Sequence[Folder]) -> tuple[Differences, ...]:
    """Return the comparison of everything that can be compared.

    Args:
        folders: Of the report.
    """
    results = [one for folder in folders for one in folder.outcomes]
    found = compare(results)
    return () if found is None else (found,)
