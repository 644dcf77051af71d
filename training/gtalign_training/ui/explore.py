"""The first tab without its page: from what a browser sends to what is shown.

Nothing is kept between two moves of a slider but what the same move would make again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Any

from gtalign_env.errors import ScenarioError, suggest
from gtalign_env.scenario.library import where_to_look
from gtalign_env.scenario.resolved import Scenario
from gtalign_training.ui.draw_game import (
    draw_facts,
    draw_matrix,
    draw_meaning,
    draw_verdict,
)
from gtalign_training.ui.draw_phase import draw_phase
from gtalign_training.ui.knobs import GROUPS, MOST, Knob
from gtalign_training.ui.phase import phase_of
from gtalign_training.ui.view import (
    Choice,
    Folders,
    Kind,
    moved,
    names_of,
    require_scenario,
    view_of,
)

SLOTS = tuple(group for group in GROUPS for _ in range(MOST[group]))
"""The group of every slider on the page; a scenario uses some of them."""

AS_IS = ""
"""Stands where the scenario's own persona or regime is taken."""


@lru_cache(maxsize=256)
def chosen(choice: Choice) -> tuple[Scenario, tuple[Knob, ...]]:
    """Return the scenario of a choice and its sliders, kept for the next move of a slider."""
    return require_scenario(choice)


def places_of(knobs: Sequence[Knob]) -> list[int]:
    """Return where each slider of a scenario stands on the page.

    Args:
        knobs: The sliders, group by group.
    """
    starts = {group: SLOTS.index(group) for group in GROUPS}
    used = dict.fromkeys(GROUPS, 0)
    places = []
    for knob in knobs:
        places.append(starts[knob.group] + used[knob.group])
        used[knob.group] += 1
    return places


def axes_of(knobs: Sequence[Knob]) -> tuple[int, int]:
    """Return the sliders that a map has along its sides at first: a price, and the user's first."""
    groups = [knob.group for knob in knobs]
    return (groups.index("price") if "price" in groups else len(knobs) - 1, groups.index("user"))


class Explore:
    """The first tab: from what the browser sends to what it shows.

    Args:
        folders: Searched for names before GTALIGN_PATH and the bundled library.
    """

    def __init__(self, folders: Folders = ()) -> None:
        self.folders = folders

    def choice(self, scenario: str, persona: str, pricing: str) -> Choice:
        """Return what is picked on the page; arguments and errors as of `choice_of`."""
        return choice_of(scenario, persona, pricing, self.folders)

    def read(self, *sent: Any) -> tuple[Scenario, tuple[Knob, ...], list[float]]:
        """Return the scenario, its sliders, and where they stand.

        Args:
            sent: Scenario, persona, regime, then all sliders of the page.
        """
        scenario, knobs = chosen(self.choice(*sent[:3]))
        values = [float(sent[3 + place] or 0.0) for place in places_of(knobs)]
        return scenario, knobs, values

    def scenario(self, *sent: Any) -> Scenario:
        """Return the scenario as the sliders have it."""
        return moved(*self.read(*sent))

    def look(self, *sent: Any) -> tuple[str, ...]:
        """Return verdict, meaning, matrix and facts.

        Args:
            sent: As for `read`, then the axes of the map and what it asks.

        Raises:
            ScenarioError: It cannot be played.
        """
        view = view_of(self.scenario(*sent))
        return tuple(draw(view) for draw in (draw_verdict, draw_meaning, draw_matrix, draw_facts))

    def map(self, *sent: Any) -> str:
        """Return the map, which takes longer: many games stand on it; arguments, errors as of `look`."""
        *_, x, y, asked = sent
        scenario, knobs, values = self.read(*sent)
        paths = [knob.path for knob in knobs]
        first, second = axes_of(knobs)
        i = paths.index(x) if x in paths else first
        j = paths.index(y) if y in paths else second
        found = phase_of(scenario, knobs, values, (i, j), asked)
        return draw_phase(found, values[i], values[j])


def choice_of(scenario: str, persona: str, pricing: str, folders: Folders = ()) -> Choice:
    """Return what is picked on the page.

    Args:
        scenario: Its name.
        persona: Its name, or `AS_IS`.
        pricing: Likewise.
        folders: Searched for them before GTALIGN_PATH and the bundled library.

    Raises:
        ScenarioError: One is no name of the library; a page names no files.
    """
    kinds: tuple[tuple[Kind, str], ...] = (
        ("scenario", scenario),
        ("persona", persona or AS_IS),
        ("pricing", pricing or AS_IS),
    )
    for kind, name in kinds:
        if (name or kind == "scenario") and name not in (known := names_of(kind, folders)):
            hint = suggest(str(name), known) or where_to_look(kind)
            raise ScenarioError(f"no {kind} is named {name!r}.{hint}")
    return Choice(scenario, persona or None, pricing or None, folders)


def draw_about(scenario: Scenario) -> str:
    """Return what a scenario is, and who asks.

    Args:
        scenario: Under one regime.
    """
    who = ", ".join(f"{persona.name} {share:.0%}" for share, persona in scenario.population)
    regime = scenario.schedule[0][1]
    return (
        f'<details class="gt-about"><summary>About {escape(scenario.name)}</summary>'
        f"<p>{escape(scenario.description)} Who asks: {escape(who)}. Price: "
        f"{escape(regime.description)}</p></details>"
    )
