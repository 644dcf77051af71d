"""Which fields of a scenario the sliders move, from where to where, in which steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gtalign_env.money import PICO_PER_USD
from gtalign_env.persona import Constant, Distribution
from gtalign_env.scenario.fields import authored
from gtalign_env.scenario.resolved import Scenario
from gtalign_env.scenario.sweep_fields import Field, Scalar, fields_of

GROUPS = ("price", "user", "provider")
"""Whose numbers the sliders are: the regime's, the user's latent ones, the provider's."""

MOST = {"price": 3, "user": 5, "provider": 2}
"""Sliders of a group."""


class Stock(NamedTuple):
    """A slider that a scenario may have.

    Attributes:
        group: One of `GROUPS`.
        path: The field; of a regime, below ``pricing.components``.
        label: What it is called.
        about: What it means, in a few words.
        high: Where it ends, unless the scenario's own value lies above.
        step: Between two values, in the field's unit.
        low: Where it begins.
        also: Fields that move with it, where they have the same value.
    """

    group: str
    path: str
    label: str
    about: str
    high: float
    step: float
    low: float = 0.0
    also: tuple[str, ...] = ()


STOCK = (
    Stock("price", "per_token.rates.output", "price of output", "the user pays for what the assistant writes", 60, 0.1, 0.0, ("per_token.rates.reasoning",)),
    Stock("price", "per_token.rates.input", "price of input", "and for what it has to read", 20, 0.1),
    Stock("price", "per_message.fee", "price of a message", "the user pays for each", 0.05, 0.0005),
    Stock("price", "outcome.fee", "price of a right answer", "paid when it is accepted", 0.1, 0.001),
    Stock("price", "subscription.fee", "subscription", "a period's fee, shared by its conversations", 20, 0.1),
    Stock("price", "subscription.overage.output", "price beyond the allowance", "of what the assistant writes", 60, 0.1),
    Stock("price", "tiered.tiers.0.rate", "price of the first tokens", "up to the first limit", 60, 0.1),
    Stock("price", "tiered.tiers.1.rate", "price of further tokens", "beyond the first limit", 60, 0.1),
    Stock("price", "surge.multiplier", "factor in the rush", "on every price", 5, 0.1, 1.0),
    Stock("price", "minimum.amount", "minimum", "a conversation costs at least this", 0.1, 0.001),
    Stock("price", "cap.amount", "cap", "a conversation costs at most this", 0.1, 0.001, 0.001),
    Stock("user", "persona.conciseness", "conciseness", "what the user loses by reading long answers", 5, 0.05),
    Stock("user", "persona.effort.definite", "effort of a definite query", "what it costs the user to ask precisely", 5, 0.05),
    Stock("user", "persona.budget", "budget", "the most that a conversation may cost", 0.2, 0.001, 0.001),
    Stock("user", "persona.price_sensitivity", "price sensitivity", "how much a USD hurts the user", 400, 1),
    Stock("user", "persona.value", "value", "of a right answer to the user", 12, 0.1),
    Stock("provider", "provider.retention", "retention", "of a satisfied user to the provider", 10, 0.1),
    Stock("provider", "provider.margin_weight", "margin weight", "how much a USD earned pleases the provider", 400, 1),
)  # fmt: skip
"""All sliders, in the order in which they are shown; a scenario has those whose field it has."""


@dataclass(frozen=True)
class Knob:
    """A slider over a field of a scenario.

    Attributes:
        group: One of `GROUPS`.
        label: What it is called.
        about: What it means, in a few words.
        fields: What it moves, all to the same value.
        low: Where it begins, in the field's unit; money in USD.
        high: Where it ends.
        step: Between two values.
        start: The scenario's own value, to the step; the mean over its users where they differ.
        varied: Whether its users differ, or draw it: moving it gives all of them one value.
    """

    group: str
    label: str
    about: str
    fields: tuple[Field, ...]
    low: float
    high: float
    step: float
    start: float
    varied: bool

    @property
    def path(self) -> str:
        """Dotted path of the field."""
        return self.fields[0].path

    @property
    def unit(self) -> str:
        """Unit of the field, as printed."""
        return self.fields[0].unit

    @property
    def title(self) -> str:
        """Label and unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def is_moved(self, value: float) -> bool:
        """Return whether a value is another than the scenario's own."""
        return abs(value - self.start) > self.step / 2

    def changes(self, value: float) -> dict[Field, Scalar]:
        """Return the authored values that a value stands for, by field; none where it is not moved.

        Args:
            value: Of the slider; what lies beyond its ends is taken for the end.
        """
        inside = min(max(value, self.low), self.high)
        if not self.is_moved(inside):
            return {}
        # a sum of steps has decimals that nobody meant
        whole = round(self.low + round((inside - self.low) / self.step) * self.step, 9)
        return {field: field.value(whole) for field in self.fields}


def knobs_of(scenario: Scenario) -> tuple[Knob, ...]:
    """Return the sliders of a scenario.

    Args:
        scenario: Under its first regime.
    """
    return tuple(_knobs(scenario))


def _knobs(scenario: Scenario) -> Iterator[Knob]:
    known = fields_of(scenario)
    count = dict.fromkeys(GROUPS, 0)
    for stock in STOCK:
        prefix = "pricing.components." if stock.group == "price" else ""
        field = known.get(prefix + stock.path)
        if field is None or count[stock.group] == MOST[stock.group]:
            continue
        if not is_written(scenario, field):
            continue
        start, varied = mean_of(scenario, field)
        also = [known[prefix + path] for path in stock.also if prefix + path in known]
        alike = [
            one
            for one in also
            if is_written(scenario, one) and mean_of(scenario, one) == (start, varied)
        ]
        high = stock.high if start <= stock.high else _nice(2 * start)
        count[stock.group] += 1
        steps = round((start - stock.low) / stock.step)
        yield Knob(
            group=stock.group,
            label=stock.label,
            about=stock.about,
            fields=(field, *alike),
            low=stock.low,
            high=high,
            step=stock.step,
            start=round(max(stock.low + steps * stock.step, stock.low), 9),
            varied=varied,
        )


def _nice(number: float) -> float:
    """Return a round number at or above one."""
    size = 10.0 ** math.floor(math.log10(number))
    return next(size * k for k in (1, 2, 2.5, 5, 10) if size * k >= number)


def is_written(scenario: Scenario, field: Field) -> bool:
    """Return whether a field has a number of its own: an optional rate that is left out has none.

    Args:
        scenario: Under its first regime.
        field: A field of numbers.
    """
    if field.part != "pricing":
        return True
    value: Any = authored(scenario.schedule[0][1])
    for step in field.places[0]:
        if isinstance(value, dict) and value.get(step) is None:
            return False
        value = value[step]
    return True


def mean_of(scenario: Scenario, field: Field) -> tuple[float, bool]:
    """Return a field's value, in its unit, and whether it differs between users or is drawn.

    Args:
        scenario: Under its first regime.
        field: A field of numbers; of a persona, the mean over the population.
    """
    if field.part == "persona":
        ones = {place[0]: place[1:] for place in field.places}
        people = [
            (weight, _at(persona, ones[i]))
            for i, (weight, persona) in enumerate(scenario.population)
        ]
        scale = PICO_PER_USD if field.form == "money" else 1
        means = [(weight, float(value.mean) / scale) for weight, value in people]
        varied = any(not isinstance(value, Constant) for _, value in people)
        differ = any(mean != means[0][1] for _, mean in means)
        return math.fsum(weight * mean for weight, mean in means), varied or differ
    if field.part == "max_exchanges":
        return float(scenario.max_exchanges), False
    model = scenario.schedule[0][1] if field.part == "pricing" else getattr(scenario, field.part)
    value: Any = authored(model)
    for step in field.places[0]:
        value = value[step]
    return field.number(value), False


def _at(persona: Any, place: Sequence[str | int]) -> Distribution:
    value: Any = persona
    for step in place:
        value = value[step] if isinstance(step, int) else getattr(value, step)
    assert isinstance(value, Distribution)
    return value
