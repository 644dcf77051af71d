"""The whole report as one file: nothing is loaded, nothing is sent, nothing but its own script runs."""

from __future__ import annotations

import hashlib
import importlib.resources
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime

from gtalign_env import __version__
from gtalign_training.report.cards import summary_section
from gtalign_training.report.embed import conversations
from gtalign_training.report.html import Child, Html, breakable, tag
from gtalign_training.report.pane import conversations_section, help_dialog
from gtalign_training.report.parts import (
    Curves,
    Differences,
    Folder,
    Part,
    ShareRows,
    Talks,
)
from gtalign_training.report.sections import build
from gtalign_training.report.words import plural

MOST_SMALL = 8
"""Rows of shares that stand beside others on a wide page."""


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
        tag(
            "main",
            summary_section(report.title, report.folders),
            _comparisons(report),
            _details(report),
            _conversations(report),
        ),
        help_dialog(),
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
            (f"#{anchor(0, k)}", part.title)
            for k, part in enumerate(report.folders[0].parts)
            if not (
                isinstance(part, Curves) and _is_small(part)
            )  # they stand below what they tell more of
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


def _conversations(report: Report) -> Child:
    total = sum(len(talks.records) for talks in report.talks)
    return conversations_section(total) if total else None


def now() -> datetime:
    """Return the time that a page says it was made at."""
    return datetime.now(UTC)
