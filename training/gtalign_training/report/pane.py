"""Where conversations are listed, filtered and read; the page's script does the rest."""

from __future__ import annotations

from gtalign_training.report.html import Html, tag
from gtalign_training.report.words import plural

FILTERS = (
    ("run", "Result"),
    ("regime", "Price"),
    ("persona", "Persona"),
    ("ending", "Ending"),
    ("fault", "Fault"),
    ("move", "Move"),
    ("sign", "Label"),
    ("welfare", "Joint W"),
)
"""What a conversation can be filtered by: key in the script, and name."""

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


def conversations_section(total: int) -> Html:
    """Return the list of conversations, its filters, and the place for one; the script fills them.

    Args:
        total: How many conversations there are.
    """
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
                for name, said in FILTERS
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


def help_dialog() -> Html:
    """Return what tells the keys."""
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
