"""The site: every page is in its contents, it builds without a warning, its links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import PAGES, ROOT

DOCS = ROOT / "docs"
CONTENTS = re.compile(r"^```\{toctree\}\n(.*?)^```", re.S | re.M)


def listed(page: Path) -> set[str]:
    """Return the pages that the tables of contents of a page list, by their path in `docs`."""
    found = CONTENTS.findall(page.read_text(encoding="utf-8"))
    return {line for one in found for line in one.splitlines() if line and line[0] != ":"}


def test_every_page_and_notebook_is_in_the_contents_once() -> None:
    inside = [page for page in PAGES if page.is_relative_to(DOCS)]
    sources = [*inside, *sorted((DOCS / "notebooks").glob("*.ipynb"))]
    pages = {str(source.relative_to(DOCS).with_suffix("")) for source in sources} - {"index"}
    contents = [name for page in inside for name in sorted(listed(page))]
    assert sorted(contents) == sorted(pages), "add the page to a toctree of docs/index.md"


class Links(HTMLParser):
    """What a page links to, what it loads, and the places in it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = {"", "top"}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if "id" in given:
            self.places.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") in ("stylesheet", "icon"):
            self.loads.append(given["href"])
        elif "src" in given:
            self.loads.append(given["src"])


def read(page: Path) -> Links:
    """Return the links of an HTML page."""
    found = Links()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def complaints(site: Path) -> list[str]:
    """Return what is wrong with the links of a site: nowhere, no such place, loaded from outside.

    Links to other sites are only looked at, as there is no network: they have a scheme and a host.
    """
    pages = {page.resolve(): read(page) for page in sorted(site.rglob("*.html"))}
    bad = []
    for page, found in pages.items():
        name = page.relative_to(site.resolve())
        for link in dict.fromkeys([*found.links, *found.loads]):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                whole = parts.scheme == "https" and "." in parts.netloc
                if link in found.loads or not whole:
                    bad.append(f"{name}: {link}")
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.exists():
                bad.append(f"{name}: {link}")
            elif target in pages and unquote(parts.fragment) not in pages[target].places:
                bad.append(f"{name}: {link}: no such place")
    return bad


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_no_link_is_broken(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-n", "-W", "--keep-going"]
    folders = ["-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path / "html")]
    done = subprocess.run([*command, *folders], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr.strip()
    assert complaints(tmp_path / "html") == []


def test_broken_links_of_a_site_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "good.html").write_text('<p id="here">x</p>', encoding="utf-8")
    (tmp_path / "bad.html").write_text(
        '<a href="good.html#here"></a><a href="good.html#there"></a><a href="gone.html"></a>'
        '<script src="https://cdn.example.org/x.js"></script><a href="http://plain"></a>'
        '<a href="https://arxiv.org/abs/2510.08872"></a>',
        encoding="utf-8",
    )
    assert complaints(tmp_path) == [
        "bad.html: good.html#there: no such place",
        "bad.html: gone.html",
        "bad.html: http://plain",
        "bad.html: https://cdn.example.org/x.js",
    ]
