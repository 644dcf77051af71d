"""The playground in a real browser: it shows the game at once, follows every hand, and stays quiet."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gtalign_training.ui.seat import Table
from gtalign_training.ui.view import Choice, moved, require_scenario, view_of
from tests.browser import WAIT, Visit, Visitor, soon

from .conftest import Playground, pages
from .hostile import HOSTILE

PWNED = "window.pwn = undefined"


def opened(visit: Visitor, playground: Playground, **window: Any) -> Visit:
    seen: Visit = visit(playground.address, **window)
    seen.page.wait_for_selector(".gt-matrix", timeout=WAIT)
    return seen


def until(seen: Visit, selector: str, holds: Callable[[str], bool]) -> str:
    """Wait until the text of an element is as it should be, and return it."""
    place, text = seen.page.locator(selector).first, ""
    for _ in range(WAIT // 100):
        text = str(place.inner_text()) if place.count() else ""
        if holds(text):
            return text
        seen.page.wait_for_timeout(100)
    raise AssertionError(f"{selector}: {text!r}")


def holding(part: str) -> Callable[[str], bool]:
    return lambda shown: part in shown


def pick(seen: Visit, label: str, value: str) -> None:
    box = seen.page.get_by_role("combobox", name=label, exact=True)
    box.click()
    box.fill(value)
    seen.page.get_by_role("option", name=value, exact=True).click()


def slide(seen: Visit, label: str, value: str) -> None:
    box = seen.page.get_by_label(f"number input for {label}")
    box.fill(value)
    box.press("Enter")
    box.blur()


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 900, "light"), (390, 844, "dark")])
def test_the_first_screen_is_the_game_drawn(
    visit: Visitor, playground: Playground, width: int, height: int, scheme: str
) -> None:
    seen = opened(visit, playground, width=width, height=height, scheme=scheme)
    page = seen.page
    top = page.locator(".gt-matrix").bounding_box()
    assert top["y"] < 0.6 * height
    assert page.locator(".gt-head").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    soon(page.locator(".gt-cell")).to_have_count(14)
    soon(page.locator(".gt-here")).to_have_count(1)
    fonts = page.evaluate("[...document.fonts].filter(font => font.status === 'loaded').length")
    assert fonts == 0  # the system's own
    dark = page.evaluate("document.body.classList.contains('dark')")
    assert dark is (scheme == "dark")
    page.wait_for_timeout(500)
    seen.check()


def test_a_slider_changes_matrix_verdict_and_place_on_the_map(
    visit: Visitor, playground: Playground
) -> None:
    seen = opened(visit, playground)
    before = seen.page.locator(".gt-here").get_attribute("transform")
    slide(seen, "price of output (USD per 1M tokens)", "50")
    scenario, knobs = require_scenario(Choice("upsell"))
    values = [50.0 if knob.label == "price of output" else knob.start for knob in knobs]
    view = view_of(moved(scenario, knobs, values))
    first = f"{view.game.user[0, 0]:.2f}".replace("-", "\u2212")
    until(seen, ".gt-cell .gt-u", lambda text: text == first)
    until(seen, ".gt-head strong", lambda text: text == view.verdict()[0])
    soon(seen.page.locator(".gt-here")).not_to_have_attribute("transform", before)
    seen.page.get_by_role("button", name="Back to the scenario's own numbers").click()
    start = view_of(scenario)
    until(seen, ".gt-cell .gt-u", lambda text: text == f"{start.game.user[0, 0]:.2f}")
    pick(seen, "How the user pays (regime)", "per_message")
    until(seen, ".gt-sliders", lambda text: "price of a message" in text)
    pick(seen, "Scenario", "help_desk")
    until(seen, ".gt-about summary", lambda text: "help_desk" in text)
    seen.check()


def test_a_seat_is_taken_played_and_reviewed_and_the_other_tab_knows_nothing_of_it(
    visit: Visitor, playground: Playground
) -> None:
    seen = opened(visit, playground)
    other = opened(visit, playground)
    for one in (seen, other):
        one.page.get_by_role("tab", name="Take a seat").click()
    seen.page.get_by_label("Seed").fill("1")
    seen.page.get_by_role("button", name="Start", exact=True).click()
    until(seen, ".gt-standing", lambda text: "0.1 USD" in text)
    soon(seen.page.get_by_role("button", name="ACCEPT")).to_be_disabled()
    seen.page.get_by_role("button", name=re.compile("^VQ")).click()
    until(seen, ".gt-talk", lambda text: "DA:standard" in text)
    seen.page.get_by_role("button", name="ACCEPT").click()
    until(seen, ".gt-after", lambda text: "The optimum against DA:standard" in text)
    assert other.page.locator(".gt-standing").count() == 0
    assert other.page.locator(".gt-said").count() == 0
    seen.check()
    other.check()


def test_while_a_person_is_the_assistant_the_page_hides_what_the_user_wants(
    visit: Visitor, playground: Playground
) -> None:
    seen = opened(visit, playground)
    page = seen.page
    page.get_by_role("tab", name="Take a seat").click()
    page.get_by_role("radio", name="assistant").check()
    page.get_by_label("Seed").fill("2")
    page.get_by_role("button", name="Start", exact=True).click()
    until(seen, ".gt-standing", lambda text: "hidden until the end" in text)
    page.get_by_role("tab", name="See the game").click()
    until(seen, ".gradio-container", lambda text: "Hidden while you sit" in text)
    soon(page.locator(".gt-matrix")).to_be_hidden()
    soon(page.get_by_label("number input for conciseness (points / 100 tokens)")).to_be_hidden()
    page.get_by_role("tab", name="Take a seat").click()
    for _ in range(6):
        if page.locator(".gt-after").count():
            break
        before = page.locator(".gt-talk").inner_html()
        page.get_by_role("button", name=re.compile("^DA:verbose")).click()
        changed = "before => document.querySelector('.gt-talk').innerHTML !== before"
        page.wait_for_function(changed, arg=before, timeout=WAIT)
        idle = "() => !document.body.innerText.includes('is thinking')"
        page.wait_for_function(idle, timeout=WAIT)
    until(seen, ".gt-after", lambda text: "The user was patient_but_lazy" in text)
    page.get_by_role("tab", name="See the game").click()
    page.wait_for_selector(".gt-matrix", state="visible", timeout=WAIT)
    seen.check()


def test_120_hostile_strings_in_every_drawn_part_run_nothing(
    visit: Visitor, table: Table, tmp_path: Path
) -> None:
    """Without the server's policy, which would stop some of them too."""
    blank = tmp_path / "blank.html"
    blank.write_text("<!doctype html><title>x</title><body>", encoding="utf-8")
    seen = visit(blank, init=PWNED)
    for text in HOSTILE:
        seen.page.evaluate(
            "parts => { document.body.innerHTML = parts.join('') }", pages(table, text)
        )
    seen.page.wait_for_timeout(300)
    assert seen.page.evaluate("window.pwn") is None
    seen.check()


def test_hostile_words_said_named_and_authored_are_text_on_the_page(
    visit: Visitor, playground: Playground
) -> None:
    seen = opened(visit, playground, init=PWNED)
    page = seen.page
    pick(seen, "Scenario", playground.hostile)
    until(seen, ".gt-about summary", lambda text: playground.hostile in text)
    page.locator(".gt-about summary").click()
    page.get_by_role("tab", name="Take a seat").click()
    page.get_by_label("Talk in words").check()
    page.get_by_label("Seed").fill("1")
    page.get_by_role("button", name="Start", exact=True).click()
    box = page.get_by_placeholder("Say something")
    box.wait_for(state="visible", timeout=WAIT)
    text = " ".join(one for one in HOSTILE if one.isprintable())
    box.fill(text)
    page.get_by_role("button", name="Send").click()
    said = until(seen, ".gt-mine p > span", lambda shown: len(shown) > 1_000)
    assert said == text
    assert page.locator(".gt-mine p > span *, .gt-about p *").count() == 0
    across = page.get_by_role("combobox", name="Across from you")
    for name in HOSTILE[20:54:11]:
        across.fill(name)
        across.press("Enter")
        page.get_by_role("button", name=re.compile("^Start")).click()
        until(seen, ".gt-problem", holding(name))
    page.wait_for_timeout(500)
    assert page.evaluate("window.pwn") is None
    seen.check()
