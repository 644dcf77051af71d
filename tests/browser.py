"""A real browser for tests of pages: headless Chromium, watched for everything that must not happen.

`tests/conftest.py` hands the two fixtures to every test. A test asks for ``visit`` and opens a file
or an address of this machine:

```python
def test_the_page_is_quiet(visit: Visitor, tmp_path: Path) -> None:
    seen = visit(tmp_path / "report.html", width=390)
    assert seen.page.title() == "…"  # a playwright page: locators, keyboard, screenshots
    seen.check()  # no error, no outside request, no dialog
```

Where no Chromium is on the search path, or playwright is missing, such a test is skipped and says
so. One browser serves a module, every visit has a context of its own (no cookies, no storage).
While the fixture lives, its thread has a running event loop: a module that opens pages cannot call
``asyncio.run`` itself, a server in a thread of its own can.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
INLINE = ("data:", "blob:", "about:")
WAIT = 40_000
"""Milliseconds to wait for what a page is about to show; where much else runs, it takes a while."""

Scheme = Literal["light", "dark"]
Visitor = Callable[..., "Visit"]
"""``visit(target, width=1280, height=800, scheme="light", init="", …)``; see `Visits.open`."""


def soon(place: Any) -> Any:
    """Return playwright's assertions of a locator, which wait for what is to hold."""
    from playwright.sync_api import expect

    expect.set_options(timeout=WAIT)
    return expect(place)


@dataclass
class Visit:
    """An open page and what it did.

    Attributes:
        page: The playwright page.
        errors: Console errors, exceptions of scripts, failed loads; refusals by the page's policy
            among them.
        outside: Requests to anything but the page and its own server.
        dialogs: Messages of alert, confirm and prompt; each is dismissed.
    """

    page: Any
    own: str
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Fail if anything went wrong on the page, or left this machine."""
        assert not self.errors, self.errors
        assert not self.outside, self.outside
        assert not self.dialogs, self.dialogs

    def _request(self, request: Any) -> None:
        url = request.url
        if not url.startswith((self.own, *INLINE)):
            self.outside.append(url)

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


class Visits:
    """Opens pages in one browser and closes them all.

    Args:
        browser: A playwright browser.
    """

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._open = ExitStack()

    def open(
        self,
        target: Path | str,
        *,
        width: int = 1280,
        height: int = 800,
        scheme: Scheme = "light",
        init: str = "",
        fragment: str = "",
        wait: str = "load",
        policy: bool = True,
    ) -> Visit:
        """Open a page in a fresh context and return it, loaded.

        Args:
            target: A file, or an address of this machine.
            width: Of the window, CSS pixels.
            height: Of the window.
            scheme: What the system prefers.
            init: JavaScript to run before anything of the page.
            fragment: What follows the ``#`` of the address.
            wait: What to wait for: ``load``, ``domcontentloaded`` or ``networkidle``.
            policy: Whether the page's Content-Security-Policy is heeded; without it a page must be
                safe by itself.
        """
        url = target.resolve().as_uri() if isinstance(target, Path) else target
        parts = urlsplit(url)
        own = url if parts.scheme == "file" else f"{parts.scheme}://{parts.netloc}"
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale="en-GB",
            bypass_csp=not policy,
        )
        self._open.callback(context.close)
        page = context.new_page()
        seen = Visit(page, own)
        page.on("console", seen._console)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("request", seen._request)
        page.on("dialog", seen._dialog)
        if init:
            page.add_init_script(init)
        page.goto(url + (f"#{fragment}" if fragment else ""), wait_until=wait)
        return seen

    def close(self) -> None:
        """Close every page."""
        self._open.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Give a headless Chromium, or skip where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the search path")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Visitor]:
    """Give a function that opens a page and watches it; all are closed after the test."""
    visits = Visits(chromium)
    yield cast(Visitor, visits.open)
    visits.close()
