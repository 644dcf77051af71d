"""What the playground shows of a game: the scenario as chosen and moved, solved, and said in words.

Pure: the same choice and the same slider values give the same view, whoever asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from gtalign_env.core.exact_many import payoffs_of_many
from gtalign_env.core.plans import ASSISTANT_PLAN_LABELS, USER_PLAN_LABELS
from gtalign_env.core.spec import GameSpec
from gtalign_env.errors import ScenarioError
from gtalign_env.games.normal_form import FloatArray, NormalFormGame, best_cell, dominates
from gtalign_env.games.solution import solve
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import load_persona, load_pricing, load_scenario
from gtalign_env.scenario.resolved import Scenario
from gtalign_env.scenario.sweep_fields import Field, Scalar, with_changes
from gtalign_training.studies.solved import DILEMMAS
from gtalign_training.ui.knobs import Knob, knobs_of

MOST_TYPES = 64
"""Types per persona that stand in for a distribution; the command line takes more."""

JOINT = "joint"
"""What the scenario's own welfare is called among a solution's optima."""

Cell = tuple[int, int]
Kind = Literal["scenario", "persona", "pricing"]
KINDS: tuple[Kind, ...] = get_args(Kind)


Folders = tuple[Path, ...]


class Choice(NamedTuple):
    """What is picked from the library; None leaves it as the scenario has it.

    Attributes:
        scenario: Its name.
        persona: Who asks, by name.
        pricing: How the user pays, by name.
        folders: Searched before GTALIGN_PATH and the bundled library.
    """

    scenario: str
    persona: str | None = None
    pricing: str | None = None
    folders: Folders = ()


@cache
def names_of(kind: Kind, folders: Folders = ()) -> dict[str, str]:
    """Return the library's readable entries of a kind, by name, with their descriptions.

    Read once: what a page offers stays as it was when it was opened.

    Args:
        kind: Of file.
        folders: Searched before GTALIGN_PATH and the bundled library.

    Raises:
        ScenarioError: A folder does not exist.
    """
    entries = list_entries(kind, path=folders)
    return {one.name: one.description for one in entries if not one.problem}


def unreadable(folders: Folders = ()) -> dict[Path, str]:
    """Return the files that are in no list of the page, each with why it cannot be read.

    Args:
        folders: Searched before GTALIGN_PATH and the bundled library.

    Raises:
        ScenarioError: A folder does not exist.
    """
    entries = (one for kind in KINDS for one in list_entries(kind, path=folders))
    return {one.path: one.problem for one in entries if one.problem}


@lru_cache(maxsize=256)
def scenario_of(choice: Choice) -> Scenario:
    """Return the scenario of a choice, under one regime.

    Args:
        choice: What is picked.

    Raises:
        ScenarioError: A name is unknown, or its file is invalid.
    """
    found = load_scenario(choice.scenario, path=choice.folders)
    if choice.persona is not None:
        found = replace(
            found, population=((1.0, load_persona(choice.persona, path=choice.folders)),)
        )
    if choice.pricing is None:
        return found.with_pricing(found.schedule[0][1])
    return found.with_pricing(load_pricing(choice.pricing, path=choice.folders))


def moved(scenario: Scenario, knobs: Sequence[Knob], values: Sequence[float]) -> Scenario:
    """Return a scenario as the sliders have it; it is the same one where none is moved.

    Args:
        scenario: Where.
        knobs: Its sliders.
        values: One for each.

    Raises:
        ScenarioError: Two values do not go together.
    """
    changes: dict[Field, Scalar] = {}
    for knob, value in zip(knobs, values, strict=True):
        changes |= knob.changes(value)
    return with_changes(scenario, changes) if changes else scenario


@dataclass(frozen=True)
class View:
    """A solved game.

    Attributes:
        spec: The game.
        game: Its exact payoffs of all pairs of plans, points.
        charge: Mean charge of a conversation, shape ``(2, 7)``, USD.
        tokens: Mean visible output of a conversation, shape ``(2, 7)``, tokens.
    """

    spec: GameSpec
    game: NormalFormGame
    charge: FloatArray
    tokens: FloatArray

    @cached_property
    def solution(self) -> dict[str, Any]:
        """What `solve` says of it, with the scenario's own welfare as the only one."""
        welfares = {JOINT: self.spec.welfare}
        return solve(self.game, exact=self.spec.is_exact, welfares=welfares)

    @cached_property
    def welfare(self) -> FloatArray:
        """W of the two mean welfares of every cell, shape ``(2, 7)``, points."""
        return self.spec.welfare.array(self.game.user, self.game.assistant)

    @property
    def optimum(self) -> Cell:
        """The cell of the greatest joint welfare."""
        i, j = self.solution["optimum"][JOINT]
        return i, j

    @cached_property
    def equilibria(self) -> dict[Cell, int]:
        """The pure equilibria, with their place among all."""
        found = {}
        for number, one in enumerate(self.solution["equilibria"]):
            if is_pure(one):
                found[one["user"].index(1.0), one["assistant"].index(1.0)] = number
        return found

    @property
    def pareto(self) -> set[Cell]:
        """The cells that no cell dominates."""
        return {(i, j) for i, j in self.solution["pareto"]}

    @property
    def label(self) -> str:
        """One of `DILEMMAS`."""
        dilemma = self.solution["dilemma"]
        return DILEMMAS[2 * bool(dilemma["strict_pd"]) + bool(dilemma["social_dilemma"])]

    def name(self, cell: Cell) -> str:
        """Return what a cell is called."""
        return f"{self.game.user_plans[cell[0]]} x {self.game.assistant_plans[cell[1]]}"

    @cached_property
    def settled(self) -> list[dict[str, Any]]:
        """All equilibria, the pure ones first: mixtures and mean payoffs of each."""
        ones: list[dict[str, Any]] = self.solution["equilibria"]
        return sorted(ones, key=lambda one: not is_pure(one))

    def worst(self) -> dict[str, Any]:
        """Return the equilibrium of the least joint welfare; of several, a pure one."""
        return min(self.settled, key=self._worth)

    def best(self) -> dict[str, Any]:
        """Return the equilibrium of the greatest joint welfare; of several, a pure one."""
        return max(self.settled, key=self._worth)

    def _worth(self, one: dict[str, Any]) -> float:
        # equal but for rounding is equal: then the first, a pure one, counts
        return round(float(np.array(one["user"]) @ self.welfare @ np.array(one["assistant"])), 9)

    def called(self, one: dict[str, Any]) -> str:
        """Return what an equilibrium is called; chances of mixed plans in per cent."""
        user = _mixed(one["user"], self.game.user_plans)
        return f"{user} x {_mixed(one['assistant'], self.game.assistant_plans)}"

    def ends(self) -> str:
        """Return where both end if left alone: the only equilibrium, or the worst and the best."""
        worst, best, count = self.worst(), self.best(), len(self.settled)
        if count == 1:
            return f"they end at {self._end(worst)}"
        if self._worth(worst) == self._worth(best):
            return f"they end at one of {count} equilibria, all of the same joint welfare, such as {self._end(worst)}"
        said = [f"in the worst of {count} equilibria at {self._end(worst)}"]
        said.append(f"in the best at {self._end(best)}")
        if is_pure(best) and not is_pure(worst):
            said = [f"in the best of {count} equilibria at {self._end(best)}"]
            said.append(f"in the worst at {self._end(worst)}")
        elif not is_pure(worst) and is_pure(self.settled[0]):
            said = [f"in a pure one of {count} equilibria at {self._end(self.settled[0])}"]
            said.append(f"in the worst at {self._end(worst)}")
            said.append(f"in the best at {self._end(best)}")
        return f"they end {', '.join(said)}"

    def _end(self, one: dict[str, Any]) -> str:
        u, l = one["payoffs"]  # noqa: E741  # U and L, as the model writes them
        return f"{self.called(one)} (user {u:.2f}, assistant {l:.2f})"

    def verdict(self) -> tuple[str, str]:
        """Return a headline and a sentence: where both end if left alone, and what they miss."""
        gain = f"{self.name(self.optimum)} has the greatest joint welfare"
        if self.solution["dilemma"]["social_dilemma"]:
            u, l = self.worst()["payoffs"]  # noqa: E741
            i, j = self._missed((u, l))
            than = "" if len(self.settled) == 1 else " than in the worst"
            head = "A social dilemma: left to themselves, both sides lose"
            text = (
                f"Each plays what is best for itself, and {self.ends()}. {self.name((i, j))} "
                f"would give {self.game.user[i, j]:.2f} and {self.game.assistant[i, j]:.2f}: no "
                f"worse for either{than}, better for one. But somebody would gain by leaving it."
            )
        elif len(self.settled) > 1:
            head = "No social dilemma: of several ways to settle, one wastes nothing"
            text = f"Left to themselves {self.ends()}. {gain}."
        elif self.optimum in self.equilibria:
            head = "No dilemma: what each side wants is best for both together"
            text = f"Left to themselves {self.ends()}, and no cell has more joint welfare."
        else:
            head = "No dilemma: left to themselves they waste nothing"
            text = f"Left to themselves {self.ends()}. {gain}, but one side would pay for it."
        if (strict := self.sharpest()) is not None:
            (user_c, user_d), (assistant_c, assistant_d) = strict
            text += (
                f" With {user_c} or {user_d} against {assistant_c} or {assistant_d} alone it is a "
                f"strict prisoner's dilemma: {user_d} and {assistant_d} always pay their side more, "
                f"yet both would be better off with {user_c} and {assistant_c}."
            )
            if not self.solution["dilemma"]["social_dilemma"]:
                head = "Two plans of each side make a prisoner's dilemma"
        return head, text

    def sharpest(self) -> tuple[list[str], list[str]] | None:
        """Return the strict prisoner's dilemma in which both lose most, as (cooperate, defect).

        Returns:
            Two plans of the user and two of the assistant, or None where there is none.
        """
        rows, columns = self.game.user_plans, self.game.assistant_plans

        def lost(found: list[list[str]]) -> float:
            (user_c, user_d), (assistant_c, assistant_d) = found
            both = rows.index(user_c), columns.index(assistant_c)
            none = rows.index(user_d), columns.index(assistant_d)
            games = (self.game.user, self.game.assistant)
            return float(min(payoffs[both] - payoffs[none] for payoffs in games))

        strict = self.solution["dilemma"]["strict_pd"]
        if not strict:
            return None
        user, assistant = max(strict, key=lost)
        return user, assistant

    def _missed(self, payoffs: tuple[float, float]) -> Cell:
        """Return the best cell of those that dominate payoffs and that nothing dominates."""
        better = dominates(self.game, payoffs)
        pareto = np.zeros_like(better)
        pareto[tuple(zip(*self.pareto, strict=True))] = True
        low = float(self.welfare.min()) - 1.0
        i, j = best_cell(self.game, np.where(better & pareto, self.welfare, low))
        return i, j


def is_pure(one: dict[str, Any]) -> bool:
    """Return whether both sides play one plan for sure in an equilibrium."""
    return 1.0 in one["user"] and 1.0 in one["assistant"]


def _mixed(chances: Sequence[float], plans: Sequence[str]) -> str:
    """Return a mixture as ``(25% VQ + 75% DQ)``, or the name of the plan that is sure."""
    played = [(p, plan) for p, plan in zip(chances, plans, strict=True) if p > 1e-9]
    if len(played) == 1:
        return played[0][1]
    return "(" + " + ".join(f"{_percent(p)} {plan}" for p, plan in played) + ")"


def _percent(chance: float) -> str:
    """Return a chance between never and sure, without calling it either."""
    if chance < 0.0005 or chance > 0.9995:
        return "<0.1%" if chance < 0.5 else ">99.9%"
    return f"{100 * chance:.3g}%"


def view_of(scenario: Scenario) -> View:
    """Return a scenario's game, with its payoffs.

    Args:
        scenario: Under its first regime.
    """
    spec = compile_scenario(scenario)
    cells = payoffs_of_many([spec], MOST_TYPES)
    game = NormalFormGame(
        user=cells["user"][0],
        assistant=cells["assistant"][0],
        user_plans=USER_PLAN_LABELS,
        assistant_plans=ASSISTANT_PLAN_LABELS,
        name=spec.name,
    )
    return View(spec, game, cells["charge"][0], cells["tokens"][0])


def require_scenario(choice: Choice) -> tuple[Scenario, tuple[Knob, ...]]:
    """Return the scenario of a choice and its sliders.

    Args:
        choice: What is picked.

    Raises:
        ScenarioError: A name is unknown, its file is invalid, or no exchange fits the budget.
    """
    found = scenario_of(choice)
    knobs = knobs_of(found)
    if not knobs:
        raise ScenarioError(f"{found.name} has no field that a slider could move")
    return found, knobs
