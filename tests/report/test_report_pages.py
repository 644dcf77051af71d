"""Real pages in a real browser: quiet, readable at every width, to be used by keys alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gtalign_env.testing import FaultServer
from tests.browser import Visitor, soon
from tests.report.conftest import Page

ALL = (
    *("moves", "steered", "faults", "damaged", "empty", "training", "sweep"),
    *("evaluation", "answers", "ablation", "selfplay"),
)
READY = "html[data-ready=yes]"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def opened(visit: Visitor, file: Path, **how: Any) -> Any:
    seen = visit(file, **how)
    seen.page.wait_for_selector(READY, state="attached")
    return seen


def says(place: Any, text: str | re.Pattern[str]) -> None:
    """Wait until a place of the page says something; its policy lets no waiting script in."""
    soon(place).to_have_text(text)


@pytest.mark.parametrize("name", ALL)
def test_a_page_is_quiet_and_fits_every_width_in_light_and_dark(
    name: str, page: Page, visit: Visitor
) -> None:
    seen = opened(visit, page(name))
    for width, scheme in ((390, "light"), (1280, "dark"), (1600, "light")):
        seen.page.set_viewport_size({"width": width, "height": 800})
        seen.page.emulate_media(color_scheme=scheme)
        assert seen.page.evaluate(TOO_WIDE) <= 0
        ground = seen.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (sum(json.loads(f"[{ground[4:-1]}]")) < 300) == (scheme == "dark")
        assert seen.page.evaluate(SMALLEST) > 9  # pixels of chart text as it is shown
    seen.check()


SMALLEST = """Math.min(...[...document.querySelectorAll("svg.svg text")]
  .filter((t) => t.getBoundingClientRect().width)
  .map((t) => parseFloat(getComputedStyle(t).fontSize) * t.getCTM().a))"""


def test_text_has_the_contrast_of_wcag_aa(page: Page, visit: Visitor) -> None:
    for scheme in ("light", "dark"):
        seen = opened(visit, page("moves"), scheme=scheme)
        worst = seen.page.evaluate(CONTRAST)
        assert worst["ratio"] >= 4.5, (scheme, worst)


CONTRAST = """() => {
  const lum = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (n) => { for (; n; n = n.parentElement) {
      const c = getComputedStyle(n).backgroundColor;
      if (c !== "rgba(0, 0, 0, 0)" && c !== "transparent") return c; }
    return "rgb(255, 255, 255)"; };
  let worst = { ratio: 99 };
  for (const n of document.querySelectorAll("h1, h2, h3, p, dt, dd, td, th, li, a, button, b, small, span, summary, label")) {
    if (![...n.childNodes].some((c) => c.nodeType === 3 && c.data.trim())) continue;
    if (!n.getClientRects().length) continue;
    const [a, b] = [lum(getComputedStyle(n).color), lum(behind(n))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text: n.textContent.slice(0, 40), at: n.className };
  }
  return worst;
}"""


def test_the_policy_lets_nothing_in(page: Page, visit: Visitor) -> None:
    seen = opened(visit, page("moves"))
    policy = seen.page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    with FaultServer() as server:
        got = seen.page.evaluate(BREAK_IN, server.base_url)
        assert server.prompts == []
    assert got == [None, ["connect-src", "img-src", "script-src-elem", "style-src-attr"]]


BREAK_IN = """async (url) => {
  const got = [];
  document.addEventListener("securitypolicyviolation", (e) => got.push(e.effectiveDirective));
  const script = document.createElement("script");
  script.textContent = "window.pwned = 1";
  document.body.append(script);
  const image = new Image();
  image.src = url + "/x.png";
  document.body.append(image);
  const p = document.createElement("p");
  p.setAttribute("style", "color: red");
  document.body.append(p);
  await fetch(url, { method: "POST", body: "{}", mode: "no-cors" }).catch(() => {});
  await new Promise((done) => setTimeout(done, 100));
  return [window.pwned ?? null, got.sort()];
}"""


def test_keys_go_through_the_conversations(page: Page, visit: Visitor) -> None:
    seen = opened(visit, page("steered"))
    keys, at = seen.page.keyboard, seen.page.locator("#talk h3")
    assert at.inner_text() == "steered, conversation 0"
    for key, number in (("j", 1), ("j", 2), ("k", 1)):
        keys.press(key)
        says(at, re.compile(f" {number}$"))
    assert seen.page.url.endswith("#run=steered&episode=1")
    seen.page.locator("#list").focus()
    for key, number in (("End", 7), ("ArrowUp", 6), ("Home", 0), ("ArrowDown", 1)):
        keys.press(key)
        says(at, re.compile(f" {number}$"))
    chosen = seen.page.locator("#list [aria-selected=true]")
    assert chosen.count() == 1
    assert chosen.get_attribute("aria-posinset") == "2"
    assert seen.page.locator("#list").get_attribute("aria-activedescendant") == "row-1"
    folded = seen.page.locator(".turns details[open]")
    assert folded.count() == 0
    keys.press("e")
    assert folded.count() > 4
    keys.press("r")
    assert '"regime"' in seen.page.locator("#raw pre").inner_text()
    keys.press("?")
    assert seen.page.locator("#help").evaluate("d => d.open")
    keys.press("Escape")
    assert not seen.page.locator("#help").evaluate("d => d.open")
    keys.press("/")
    assert seen.page.evaluate("document.activeElement.id") == "search"
    keys.press("j")  # a letter of a search, not a step
    assert seen.page.input_value("#search") == "j"
    keys.press("Escape")
    assert seen.page.input_value("#search") == ""
    keys.press("t")
    assert seen.page.evaluate("document.documentElement.dataset.theme") == "light"
    seen.check()


def test_focus_is_seen_and_reaches_everything(page: Page, visit: Visitor) -> None:
    seen = opened(visit, page("moves"))
    reached = set()
    for _ in range(60):
        seen.page.keyboard.press("Tab")
        name, outline = seen.page.evaluate(
            """(() => { const n = document.activeElement;
              return [n.id || n.tagName, getComputedStyle(n).outlineStyle]; })()"""
        )
        assert name == "BODY" or outline != "none", name  # past the last one
        reached.add(name)
    assert {"theme", "help-button", "A", "SUMMARY", "search", "list", "clear"} <= reached


def test_filters_leave_what_was_asked_for(page: Page, folders: Path, visit: Visitor) -> None:
    seen = opened(visit, page("words"))
    lines = (folders / "words" / "episodes.jsonl").read_text().splitlines()
    episodes = [json.loads(line)["record"] for line in lines]
    asked = sum("CQ" in one["assistant_moves"] for one in episodes)
    found = seen.page.locator("#found")
    seen.page.select_option("#filter-move", label=f"CQ ({asked})")
    says(found, f"{asked} of 40 conversations")
    lowest = min(one["welfare"] for one in episodes if "CQ" in one["assistant_moves"])
    seen.page.select_option("#sort", "w")
    first = seen.page.locator("#row-0 .row-w")
    assert first.inner_text() == f"W {lowest:.2f}".replace("-", "−")
    seen.page.click("#clear")
    assert found.inner_text() == "40 of 40 conversations"
    words = json.loads((folders / "words" / "transcripts.jsonl").read_text().splitlines()[7])
    said = words["turns"][1]["text"]
    seen.page.fill("#search", said.upper())
    says(found, re.compile(r"^[1-9] of 40"))
    assert seen.page.locator("#talk .turns").inner_text().count(said) >= 1
    seen.page.fill("#search", "no such words anywhere")
    says(found, "0 of 40 conversations")
    assert "No conversation is like that." in seen.page.locator("#rows").inner_text()
    seen.check()


def test_an_address_leads_to_its_conversation(page: Page, visit: Visitor) -> None:
    seen = opened(visit, page("moves", "training"), fragment="run=training/after&episode=17")
    at = seen.page.locator("#talk h3")
    at.wait_for()
    assert at.inner_text() == "training/after, conversation 17"
    seen.page.evaluate("location.hash = 'run=moves&episode=3'")
    says(at, "moves, conversation 3")
    seen.page.evaluate(
        "location.hash = 'run=nobody&episode=99999'"
    )  # leads nowhere, breaks nothing
    assert at.inner_text() == "moves, conversation 3"
    seen.check()


def test_a_turn_shows_all_that_is_known_of_it(page: Page, folders: Path, visit: Visitor) -> None:
    seen = opened(visit, page("steered"))
    seen.page.keyboard.press("e")
    talk = seen.page.locator("#talk").inner_text()
    for part in (
        "Asking costs little.",
        "written by the model",
        "edited by the price",
        "exact, under per_token",
        "Steering:",
        "before",
        "after",
        "tokens in",
        "Model calls: 2",
        "of 0.0",
        "latent",
    ):
        assert part in talk, part
    record = json.loads((folders / "steered" / "episodes.jsonl").read_text().splitlines()[0])
    last = seen.page.locator(".running").last.inner_text()
    assert f"{record['record']['user']:.3f}".replace("-", "−") in last


def test_a_failed_conversation_says_why(page: Page, visit: Visitor) -> None:
    seen = opened(visit, page("faults"))
    assert (
        "Fault: refused, in the assistant’s seat" in seen.page.locator("#talk .warn").inner_text()
    )
    assert "joint W\nnone" in seen.page.locator("#talk").inner_text()


def test_an_answer_to_a_row_has_no_welfare_and_no_bill(page: Page, visit: Visitor) -> None:
    seen = opened(visit, page("answers"))
    talk = seen.page.locator("#talk")
    says(talk.locator("h3"), "answers: math, conversation subscription-0")
    text = talk.inner_text()
    assert "boxed{1}" in text
    assert "0.000" not in text
    assert "bill" not in text.split("Raw JSON")[0]
    seen.check()


def test_on_paper_there_is_no_chrome_and_nothing_stays_folded(page: Page, visit: Visitor) -> None:
    seen = opened(visit, page("steered"), scheme="dark")
    seen.page.emulate_media(media="print")
    for hidden in ("body > header", ".filters", "#list"):
        assert not seen.page.locator(hidden).is_visible()
    assert seen.page.locator("#talk .turns").is_visible()
    ground = seen.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.locator("details.fold:not([open])").count() == 0
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.locator("details.fold:not([open])").count() > 4
    assert seen.page.pdf()[:5] == b"%PDF-"
    seen.check()


def test_a_mean_without_spread_is_not_called_exact(page: Page, visit: Visitor) -> None:
    spans = opened(visit, page("training")).page.locator(".figure-span")
    assert set(spans.all_inner_texts()) == {"exact"}
    spans = opened(visit, page("steered")).page.locator(".figure-span")
    assert all(" to " in one for one in spans.all_inner_texts())


def test_without_scripts_the_numbers_are_there(page: Page, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    one = context.new_page()
    one.goto(page("moves").as_uri())
    assert "user’s U" in one.locator("#summary").inner_text()
    assert "script" in one.locator("#conversations").inner_text()
    context.close()
