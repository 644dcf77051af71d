"""The axes of a study, resolved: which values each field takes at every point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtalign_env.errors import suggest
from gtalign_env.money import PICO_PER_USD
from gtalign_env.persona import Distribution
from gtalign_env.scenario.distributions import DistributionReader
from gtalign_env.scenario.fields import Fault, show
from gtalign_env.scenario.sweep_fields import PARTS, Field, Scalar
from gtalign_env.scenario.sweep_schema import AxisModel, Grid, Span

MOST_LISTED = 12  # paths listed where none is near enough to suggest


@dataclass(frozen=True)
class Axis:
    """One axis of a study.

    Attributes:
        field: What it varies.
        also: What takes the same value.
        label: What pictures call it.
        kind: One of `gtalign_env.scenario.sweep_schema.KINDS`.
        values: Its authored values in order; of a sampled axis empty.
        ends: First and last number of a grid or Sobol axis, in the field's unit; else None.
        log: Whether it is even in the logarithm.
        density: What a random axis is drawn from.
    """

    field: Field
    also: tuple[Field, ...]
    label: str
    kind: str
    values: tuple[Scalar, ...] = ()
    ends: tuple[float, float] | None = None
    log: bool = False
    density: Distribution | None = None

    @property
    def is_sampled(self) -> bool:
        """Whether its values are draws."""
        return self.kind in ("random", "sobol")

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """The values as numbers in the field's unit, shape ``(values,)``; a numeric field's."""
        return np.array([self.field.number(value) for value in self.values])

    def drawn(self, u: float) -> Scalar:
        """Return the value of a sampled axis at a place in [0, 1)."""
        if self.density is not None:
            number = self.density.quantile(u)
            return self.field.value(number / (PICO_PER_USD if self.field.form == "money" else 1))
        assert self.ends is not None
        return self.field.value(_between(self.ends, u, self.log))


def _between(ends: tuple[float, float], share: float, log: bool) -> float:
    """Return the number at a share of the way, even in the logarithm if ``log``; ends exact."""
    start, stop = ends
    if share in (0.0, 1.0):
        return stop if share else start
    return start * (stop / start) ** share if log else start + (stop - start) * share


@dataclass
class AxisReader:
    """Reads an authored axis against the fields there are, and collects what is wrong with it.

    Attributes:
        known: Every field of the scenario, by path.
        faults: Path below the axis and message, in order of discovery.
    """

    known: dict[str, Field]
    faults: list[Fault] = field(default_factory=list)

    def read(self, model: AxisModel) -> Axis | None:
        """Return the axis, or None with faults appended."""
        varied = self._field(model.field, ("field",))
        also = [self._field(path, ("also", j)) for j, path in enumerate(model.also)]
        if varied is None:
            return None
        for j, one in enumerate(also):
            if one is not None and one.form != varied.form:
                message = f"must be of the form of {varied.path}, {varied.form}; it is {one.form}"
                self.faults.append((("also", j), message))
        kind = model.kind
        if kind != "values" and not varied.is_numeric:
            message = f"{varied.path} is no number: give its values"
            self.faults.append(((kind,), message))
        if self.faults:
            return None
        ways: dict[str, Callable[[str, Any, Field], dict[str, Any] | None]] = {
            "grid": self._grid,
            "log_grid": self._grid,
            "values": self._values,
            "random": self._random,
            "sobol": self._sobol,
        }
        made = ways[kind](kind, getattr(model, kind), varied)
        if made is None:
            return None
        others = tuple(one for one in also if one is not None)
        return Axis(varied, others, model.label or varied.path, kind, **made)

    def _field(self, path: str, place: tuple[str | int, ...]) -> Field | None:
        found = self.known.get(path)
        if found is None:
            self.faults.append((place, f"no field of the scenario is {path!r}.{self._hint(path)}"))
        return found

    def _hint(self, path: str) -> str:
        """Return the nearest path below the longest beginning that leads on, or what is there."""
        steps = path.split(".")
        ends = [one for one in self.known if one.endswith(f".{steps[-1]}")]
        for length in range(len(steps) - 1, -1, -1):
            begin = ".".join([*steps[:length], ""]) if length else ""
            below = {one.removeprefix(begin): one for one in self.known if one.startswith(begin)}
            if not below:
                continue
            if near := suggest(path.removeprefix(begin), below):
                return near.replace("'", f"'{begin}", 1)
            if ends:
                return f" Did you mean {ends[0]!r}?"
            if len(below) <= MOST_LISTED:
                return f" Known here: {', '.join(below.values())}."
            break
        return f" It begins with one of {', '.join(PARTS)}; gtalign show SCENARIO lists the fields."

    def _number(self, field: Field, raw: Any, place: tuple[str | int, ...]) -> float | None:
        try:
            return field.number(raw)
        except ValueError as error:
            self.faults.append((place, str(error)))
            return None

    def _ends(
        self, kind: str, model: Grid | Span, field: Field, log: bool
    ) -> tuple[float, float] | None:
        start = self._number(field, model.start, (kind, "from"))
        stop = self._number(field, model.stop, (kind, "to"))
        if start is None or stop is None:
            return None
        if start == stop:
            self.faults.append(((kind, "to"), f"must differ from the other end; got {stop!r}"))
            return None
        if log and min(start, stop) <= 0.0:
            where = "from" if start <= 0.0 else "to"
            self.faults.append(((kind, where), "must be above 0 on a logarithmic axis"))
            return None
        return start, stop

    def _grid(self, kind: str, model: Grid, field: Field) -> dict[str, Any] | None:
        log = kind == "log_grid"
        ends = self._ends(kind, model, field, log)
        if ends is None:
            return None
        shares = np.linspace(0.0, 1.0, model.points).tolist()
        values = tuple(field.value(_between(ends, share, log)) for share in shares)
        if len(set(values)) < len(values):
            message = (
                f"{model.points} points are more than a field of this form has between the ends"
            )
            self.faults.append(((kind, "points"), message))
            return None
        return {"values": values, "ends": ends, "log": log}

    def _values(self, kind: str, values: Sequence[Scalar], field: Field) -> dict[str, Any] | None:
        found: list[Scalar] = []
        for i, raw in enumerate(values):
            if raw in found:
                self.faults.append(((kind, i), f"a value may stand once; got {show(raw)} again"))
            if field.is_numeric:
                self._number(field, raw, (kind, i))
            whole = field.form == "whole" and isinstance(raw, float) and raw.is_integer()
            found.append(int(raw) if whole else raw)
        return None if self.faults else {"values": tuple(found)}

    def _random(self, kind: str, raw: dict[str, Any], field: Field) -> dict[str, Any] | None:
        reader = DistributionReader("money" if field.form == "money" else "real")
        density = reader.read(raw)
        self.faults += [((kind, *below), message) for below, message in reader.faults]
        return None if density is None or self.faults else {"density": density}

    def _sobol(self, kind: str, model: Span, field: Field) -> dict[str, Any] | None:
        ends = self._ends(kind, model, field, model.log)
        return None if ends is None else {"ends": ends, "log": model.log}


def places(axes: Sequence[Axis], samples: int, seed: int) -> NDArray[np.float64]:
    """Return where each draw lies in [0, 1), shape ``(samples, sampled axes)``.

    Args:
        axes: All axes of the study.
        samples: How many draws.
        seed: Of the draws; the random and the Sobol axes have streams of their own.

    References:
        Owen (1995), "Randomly permuted (t, m, s)-nets and (t, s)-sequences" (the scrambling).
    """
    sampled = [axis for axis in axes if axis.is_sampled]
    out = np.empty((samples, len(sampled)))
    random = [i for i, axis in enumerate(sampled) if axis.kind == "random"]
    sobol = [i for i, axis in enumerate(sampled) if axis.kind == "sobol"]
    if random:
        generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 0])))
        out[:, random] = generator.random((samples, len(random)))
    if sobol:
        from scipy.stats import qmc

        stream = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 1])))
        engine = qmc.Sobol(len(sobol), scramble=True, rng=stream)
        # drawn to the next power of two, where the sequence is balanced, and cut off
        out[:, sobol] = engine.random_base2(max(0, samples - 1).bit_length())[:samples]
    return out
