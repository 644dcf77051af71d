"""Read and write the authored forms of a distribution.

The forms are a number, ``{uniform: [a, b]}``, ``{normal: {mean, std, min, max}}``,
``{lognormal: {mean, sigma}}`` and ``{choice: {values, weights}}``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from gtalign_env.errors import suggest
from gtalign_env.money import format_money
from gtalign_env.persona import Choice, Constant, Distribution, LogNormal, Normal, Uniform
from gtalign_env.scenario.fields import Fault, read_money, read_number, show

MAX_VALUES = 100  # of a choice: exact expectations enumerate them
MAX_SIGMA = 5.0  # of the logarithm; the upper tail is then e^40 times the median
MIN_SHARE = 1e-6  # of a normal that must lie between its ends

Form = Literal["real", "tokens", "count", "money"]
"""``real``; ``tokens``: whole where stated one by one; ``count``: always whole, so never a
density; ``money``: text such as ``0.05 USD``, pico-USD once read."""

Step = str | int
Path = tuple[Step, ...]

_KEYS = {
    "normal": ("mean", "std", "min", "max"),
    "lognormal": ("mean", "sigma"),
    "choice": ("values", "weights"),
}
_REQUIRED = {"normal": ("mean", "std"), "lognormal": ("mean", "sigma"), "choice": ("values",)}
KINDS = ("uniform", *_KEYS)


def write_distribution(value: Distribution, form: Form) -> Any:
    """Return the authored form of a distribution."""

    def out(number: float) -> Any:
        return format_money(round(number)) if form == "money" else number

    match value:
        case Constant():
            return out(value.value)
        case Uniform():
            return {"uniform": [out(value.low), out(value.high)]}
        case LogNormal():
            return {"lognormal": {"mean": out(value.mean), "sigma": value.sigma}}
        case Normal():
            ends = (("min", value.low), ("max", value.high))
            finite = {name: out(end) for name, end in ends if math.isfinite(end)}
            return {"normal": {"mean": out(value.mu), "std": out(value.std), **finite}}
        case Choice():
            values = [out(one) for one in value.values]
            return {"choice": {"values": values, "weights": list(value.weights)}}


@dataclass
class DistributionReader:
    """Reads one authored form and collects what is wrong with it.

    Attributes:
        form: What a single number looks like.
        faults: Path below the field and message, in order of discovery.
    """

    form: Form
    faults: list[Fault] = field(default_factory=list)

    def read(self, raw: Any) -> Distribution | None:
        """Return the distribution, or None if it could not be made out."""
        if not isinstance(raw, dict):
            value = self._number(raw, ())
            return None if value is None else Constant(value)
        unknown = [key for key in raw if key not in KINDS]
        for key in unknown:
            self._fault((key,), f"unknown distribution.{suggest(key, KINDS)}")
        if len(raw) != 1 or unknown:
            if len(raw) != 1:
                self._fault((), f"must hold exactly one of {', '.join(KINDS)}; got {len(raw)} keys")
            return None
        ((kind, body),) = raw.items()
        if self.form == "count" and kind != "choice":
            self._fault((kind,), "a count is whole: give a number or a choice of numbers")
            return None
        if kind == "uniform":
            return self._uniform(body)
        if not self._has_keys(kind, body):
            return None
        readers = {"normal": self._normal, "lognormal": self._lognormal, "choice": self._choice}
        return readers[kind](body)

    def _has_keys(self, kind: str, body: Any) -> bool:
        """Report unknown and missing keys; return whether the body is worth reading."""
        known = _KEYS[kind]
        if not isinstance(body, dict):
            self._fault((kind,), f"must be a mapping of {', '.join(known)}; got {show(body)}")
            return False
        for key in body:
            if key not in known:
                self._fault((kind, key), f"unknown field.{suggest(key, known)}")
        missing = [key for key in _REQUIRED[kind] if key not in body]
        for key in missing:
            self._fault((kind, key), "required, and missing")
        return not missing

    def _uniform(self, body: Any) -> Distribution | None:
        if not isinstance(body, list) or len(body) != 2:
            self._fault(("uniform",), f"must be two numbers [low, high]; got {show(body)}")
            return None
        low, high = (self._number(raw, ("uniform", i)) for i, raw in enumerate(body))
        if low is None or high is None:
            return None
        if not low < high:
            self._fault(("uniform", 1), f"must be above the lower end; got {show(body[1])}")
        return Uniform(low, high)

    def _normal(self, body: dict[str, Any]) -> Distribution | None:
        got = {
            key: self._number(body[key], ("normal", key)) for key in _KEYS["normal"] if key in body
        }
        if None in got.values():
            return None
        numbers = {key: value for key, value in got.items() if value is not None}
        mean, std = numbers["mean"], numbers["std"]
        low, high = numbers.get("min", -math.inf), numbers.get("max", math.inf)
        if not std > 0:
            self._fault(("normal", "std"), f"must be above 0; got {show(body['std'])}")
        elif not low < high:
            self._fault(("normal", "max"), f"must be above min; got {show(body['max'])}")
        else:
            share = math.erf((high - mean) / std / 2**0.5) - math.erf((low - mean) / std / 2**0.5)
            if share / 2 < MIN_SHARE:
                self._fault(("normal",), "min and max must leave some of the distribution")
        return Normal(mean, std, low, high)

    def _lognormal(self, body: dict[str, Any]) -> Distribution | None:
        mean = self._number(body["mean"], ("lognormal", "mean"))
        sigma = self._plain(body["sigma"], ("lognormal", "sigma"))
        if mean is not None and not mean > 0:
            self._fault(("lognormal", "mean"), f"must be above 0; got {show(body['mean'])}")
        if sigma is not None and not 0 < sigma <= MAX_SIGMA:
            came = show(body["sigma"])
            self._fault(("lognormal", "sigma"), f"must be in (0, {MAX_SIGMA:g}]; got {came}")
        return None if mean is None or sigma is None else LogNormal(mean, sigma)

    def _choice(self, body: dict[str, Any]) -> Distribution | None:
        return read_choice(body, self._number, self.faults)

    def _number(self, raw: Any, path: Path) -> float | None:
        """Return one number: pico-USD for money, whole for counts and stated lengths."""
        if self.form == "money":
            return self._take(read_money, raw, path)
        number = self._take(read_number, raw, path)
        # The ends and the mean of a density of lengths need not be whole; a stated length must be.
        if number is None or self.form == "real" or (path and path[0] != "choice"):
            return None if number is None else float(number) + 0.0  # -0.0 becomes 0.0
        if number != math.floor(number):
            self._fault(path, f"must be a whole number; got {show(raw)}")
            return None
        return int(number)

    def _plain(self, raw: Any, path: Path) -> float | None:
        return self._take(read_number, raw, path)

    def _take(self, read: Callable[[Any], float], raw: Any, path: Path) -> float | None:
        try:
            return read(raw)
        except ValueError as error:
            self._fault(path, str(error))
            return None

    def _fault(self, path: Path, message: str) -> None:
        self.faults.append((path, message))


def read_choice(
    body: dict[str, Any], read: Callable[[Any, Path], float | None], faults: list[Fault]
) -> Choice | None:
    """Return a choice, whatever its values are.

    Args:
        body: The mapping with ``values`` and, optionally, ``weights``; by default equal ones.
        read: Returns one value, or reports at the path given and returns None.
        faults: Where to report.
    """
    values = body["values"]
    at: Path = ("choice", "values")
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_VALUES:
        faults.append((at, f"must be a list of 1 to {MAX_VALUES} values; got {show(values)}"))
        return None
    found = [read(raw, (*at, i)) for i, raw in enumerate(values)]
    known = [value for value in found if value is not None]
    for i, value in enumerate(found):
        if value is not None and value in found[:i]:
            faults.append(((*at, i), f"a value may stand once; got {show(values[i])} again"))
    weights = body.get("weights", [1.0] * len(values))
    at = ("choice", "weights")
    if not isinstance(weights, list) or len(weights) != len(values):
        faults.append((at, f"must be a list of {len(values)} numbers, one for each value"))
        return None
    bad = False
    for i, raw in enumerate(weights):
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 < raw <= 1e6:
            faults.append(((*at, i), f"must be a number above 0, at most 1e6; got {show(raw)}"))
            bad = True
    if bad or len(known) < len(values):
        return None
    return Choice(tuple(known), tuple(float(weight) for weight in weights))
