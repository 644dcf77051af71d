"""Solve the games of many points at once, into columns.

1. The exact normal form of every game.
2. All its extreme equilibria; the worst and the best of them by the joint welfare of the game.
3. What is asked for of each: moves, welfares, charges, dilemmas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtalign_env.core.exact import MOST_TYPES
from gtalign_env.core.exact_many import payoffs_of_many
from gtalign_env.core.plans import ASSISTANT_PLAN_LABELS, USER_PLAN_LABELS
from gtalign_env.core.spec import GameSpec
from gtalign_env.games.batch import BatchEquilibria, nash_equilibria_batch
from gtalign_env.games.dilemma_batch import (
    ordinal_class_batch,
    social_dilemma_batch,
    strict_pd_batch,
)
from gtalign_env.games.normal_form import ROUNDING, TOLERANCE, FloatArray
from gtalign_env.games.ordinal import CLASSES
from gtalign_env.scenario.sweep_schema import Restriction, StudyFile

DILEMMAS = ("no dilemma", "social dilemma", "strict PD", "strict PD, social dilemma")
"""Values of the column ``class``: whether some 2×2 restriction is a strict prisoner's dilemma, and
whether every equilibrium of the whole game is Pareto-dominated."""

SAID = dict(
    zip(
        DILEMMAS,
        (
            "neither",
            "social dilemma",
            "strict PD inside",
            "social dilemma, strict PD inside",
        ),
        strict=True,
    )
)
"""What people read in place of these values, which programs do; any other label says itself."""

MEANING = (
    "Social dilemma: of the whole game, in every equilibrium of which something is wasted. Strict PD "
    "inside: two plans of each side, taken alone, are a strict prisoner's dilemma."
)
"""What the two are."""


def said(label: str) -> str:
    """Return what people read of a label."""
    return SAID.get(label, label)


MIXED = "mixed"
"""What the column of moves says where a seat mixes."""

Columns = dict[str, NDArray[Any]]


def solved(specs: Sequence[GameSpec], asked: StudyFile, most_types: int = MOST_TYPES) -> Columns:
    """Return the columns that a study asks for, each of shape ``(points,)``.

    Args:
        specs: The games of the points.
        asked: The study's file: view, restriction and what to compute.
        most_types: Types per persona that stand in for continuous distributions.
    """
    cells = payoffs_of_many(specs, most_types)
    shown = list(asked.plans)
    cells = {name: values[:, :, shown] for name, values in cells.items()}
    user, assistant = cells["user"], cells["assistant"]
    plans = tuple(ASSISTANT_PLAN_LABELS[j] for j in shown)
    found = nash_equilibria_batch(user, assistant)
    welfare = _welfare(specs, user, assistant)
    at = np.einsum("nei,nij,nej->ne", found.user, welfare, found.assistant)
    chosen = {
        "worst": np.nanargmin(_ties(at, welfare), axis=1),
        "best": np.nanargmax(_ties(at, welfare), axis=1),
    }
    out: Columns = {}
    if "equilibria" in asked.compute:
        out |= {"equilibria": found.count, "degenerate": found.degenerate}
        for name, index in chosen.items():
            out |= _moves(name, found, index, plans)
    if "dilemma" in asked.compute:
        out |= _dilemmas(user, assistant, found)
        if asked.restriction is not None:
            out |= _restricted(user, assistant, asked.restriction, plans)
    if "welfare" in asked.compute:
        out |= _welfares(found, chosen, at, welfare, plans)
    if "charge" in asked.compute:
        rows = np.arange(len(specs))
        for name, index in chosen.items():
            x, y = found.user[rows, index], found.assistant[rows, index]
            for measure in ("charge", "cost", "tokens"):
                out[f"{name}.{measure}"] = np.einsum("ni,nij,nj->n", x, cells[measure], y)
    if "payoffs" in asked.compute:
        for seat, values in (("user", user), ("assistant", assistant)):
            for i, row in enumerate(USER_PLAN_LABELS):
                for j, column in enumerate(plans):
                    out[f"{seat}.{row} x {column}"] = values[:, i, j]
    return out


def _welfare(specs: Sequence[GameSpec], user: FloatArray, assistant: FloatArray) -> FloatArray:
    """Return the joint welfare of every cell's payoffs, shape ``(N, m, n)``, points."""
    if all(spec.welfare == specs[0].welfare for spec in specs):
        return specs[0].welfare.array(user, assistant)
    rows = zip(specs, user, assistant, strict=True)
    return np.array([spec.welfare.array(u, v) for spec, u, v in rows])


def _tolerance(values: FloatArray) -> FloatArray:
    """Return `tolerance_of` of every matrix of a stack, shape ``(N,)``."""
    high, low = values.max(axis=(1, 2)), values.min(axis=(1, 2))
    out: FloatArray = TOLERANCE * (high - low) + ROUNDING * np.maximum(np.abs(high), np.abs(low))
    return out


def _ties(at: FloatArray, welfare: FloatArray) -> FloatArray:
    """Return welfares of equilibria with near-equal ones made equal, so that the first one wins."""
    step = np.maximum(_tolerance(welfare), np.finfo(np.float64).tiny)[:, None]
    out: FloatArray = np.round(at / step) * step
    return out


def _labels(rows: NDArray[np.intp], columns: NDArray[np.intp], plans: tuple[str, ...]) -> Any:
    names = np.array([[f"{row} x {column}" for column in plans] for row in USER_PLAN_LABELS])
    return names[rows, columns]


def _moves(
    name: str, found: BatchEquilibria, index: NDArray[np.intp], plans: tuple[str, ...]
) -> Columns:
    """Return an equilibrium's cell, and the probability of each plan in it."""
    rows = np.arange(len(index))
    x, y = found.user[rows, index], found.assistant[rows, index]
    pure = (x.max(axis=1) == 1.0) & (y.max(axis=1) == 1.0)
    labels = np.where(pure, _labels(x.argmax(axis=1), y.argmax(axis=1), plans), MIXED)
    out: Columns = {f"{name}.move": labels}
    out |= {f"{name}.{plan}": x[:, i] for i, plan in enumerate(USER_PLAN_LABELS)}
    return out | {f"{name}.{plan}": y[:, j] for j, plan in enumerate(plans)}


def _dilemmas(user: FloatArray, assistant: FloatArray, found: BatchEquilibria) -> Columns:
    strict = strict_pd_batch(user, assistant)
    social = social_dilemma_batch(user, assistant, found)
    names = np.array(DILEMMAS)
    return {"strict_pd": strict, "social_dilemma": social, "class": names[2 * strict + social]}


def _restricted(
    user: FloatArray, assistant: FloatArray, asked: Restriction, plans: tuple[str, ...]
) -> Columns:
    """Return the class of the 2×2 restriction and, where it is a strict PD, its critical discount.

    The discount factor from which grim trigger sustains cooperation is the larger of both seats'
    (T − R) / (T − P).

    References:
        Friedman (1971), "A non-cooperative equilibrium for supergames".
    """
    rows = [USER_PLAN_LABELS.index(plan) for plan in asked.user]
    columns = [plans.index(plan) for plan in asked.assistant]
    u = user[:, rows][:, :, columns]
    v = assistant[:, rows][:, :, columns]
    # as (T, R, P, S) of either seat; plans stand as (cooperate, defect)
    orders = (
        (u[:, 1, 0], u[:, 0, 0], u[:, 1, 1], u[:, 0, 1], _tolerance(user)),
        (v[:, 0, 1], v[:, 0, 0], v[:, 1, 1], v[:, 1, 0], _tolerance(assistant)),
    )
    strict = np.ones(len(user), dtype=np.bool_)
    critical = np.zeros(len(user))
    for T, R, P, S, tol in orders:
        strict &= np.min([T - R, R - P, P - S], axis=0) > tol
        with np.errstate(divide="ignore", invalid="ignore"):
            critical = np.maximum(critical, (T - R) / (T - P))
    names = np.array(CLASSES)
    return {
        "restriction.class": names[ordinal_class_batch(u, v)],
        "restriction.strict_pd": strict,
        "restriction.critical_discount": np.where(strict, critical, np.nan),
    }


def _welfares(
    found: BatchEquilibria,
    chosen: dict[str, NDArray[np.intp]],
    at: FloatArray,
    welfare: FloatArray,
    plans: tuple[str, ...],
) -> Columns:
    """Return welfares at the worst and best equilibrium and at the optimum, and their ratios."""
    rows = np.arange(len(at))
    out: Columns = {}
    for name, index in chosen.items():
        out[f"{name}.user"] = found.payoffs[rows, index, 0]
        out[f"{name}.assistant"] = found.payoffs[rows, index, 1]
        out[f"{name}.welfare"] = at[rows, index]
    flat = welfare.reshape(len(at), -1)
    best = flat.argmax(axis=1)
    out["optimum.welfare"] = flat[rows, best]
    out["optimum.move"] = _labels(best // len(plans), best % len(plans), plans)
    for name, index in (("anarchy", chosen["worst"]), ("stability", chosen["best"])):
        reached = at[rows, index]
        says = reached > _tolerance(welfare)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = np.maximum(flat[rows, best] / reached, 1.0)
        out[f"price_of_{name}"] = np.where(says & np.isfinite(ratio), ratio, np.nan)
    return out
