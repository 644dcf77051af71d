"""The schema: units, ranges, defaults, exact money, round trips."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from gtalign_env.money import PICO_PER_USD
from gtalign_env.persona import Choice, Constant, LogNormal, Normal, Uniform
from gtalign_env.pricing import PerToken, Rates, Subscription
from gtalign_env.scenario.fields import MAX_MONEY, MAX_RATE, MAX_TOKENS, authored
from gtalign_env.scenario.latent import Latent
from gtalign_env.scenario.library import KINDS
from gtalign_env.scenario.persona_schema import Budget, Count, Discount, Points, Tokens
from gtalign_env.scenario.schema import MAX_EXCHANGES, PersonaFile, PricingFile, ScenarioFile

PERSONA: dict[str, Any] = {
    "schema": "gtalign/persona/1",
    "name": "p",
    "description": "d",
    "value": 5,
    "conciseness": 0.5,
    "effort": {"vague": 0.1, "definite": 1.0, "reply": 0.3, "follow_up": 0.5},
    "budget": "0.05 USD",
    "price_sensitivity": 100,
}


M = TypeVar("M", bound=BaseModel)


def make(model: type[M], data: dict[str, Any]) -> M:
    return model.model_validate_json(json.dumps(data))


def numeric_fields(schema: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every property, of the schema and its definitions, that can hold a number."""
    for owner in (schema, *schema.get("$defs", {}).values()):
        for name, field in owner.get("properties", {}).items():
            if any(part.get("type") in ("number", "integer") for part in parts(field)):
                yield f"{where}:{owner.get('title')}.{name}", field


def parts(field: Any) -> Iterator[dict[str, Any]]:
    if isinstance(field, dict):
        yield field
        for value in field.values():
            yield from parts(value)
    elif isinstance(field, list):
        for value in field:
            yield from parts(value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_has_a_unit_and_a_range(kind: str) -> None:
    schema = KINDS[kind].load_model().model_json_schema()
    found = list(numeric_fields(schema, kind))
    assert found or kind == "tasks"
    for where, field in found:
        assert any("unit" in part for part in parts(field)), f"{where} has no unit"
        for part in parts(field):
            if part.get("type") in ("number", "integer") and "mean" not in where:
                assert {"minimum", "exclusiveMinimum"} & set(part) or "normal" in str(field), where


def test_the_unit_test_would_notice_a_missing_unit() -> None:
    class Careless(BaseModel):
        length: float

    ((where, field),) = numeric_fields(Careless.model_json_schema(), "x")
    assert where == "x:Careless.length"
    assert not any("unit" in part for part in parts(field))


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_the_file_is_described(kind: str) -> None:
    model = KINDS[kind].load_model()
    schema = model.model_json_schema()
    assert "schema" in schema["required"]
    assert schema["additionalProperties"] is False
    for definition in (schema, *schema.get("$defs", {}).values()):
        assert definition.get("description"), definition.get("title")
        assert definition["additionalProperties"] is False


def test_defaults_are_what_a_beginner_leaves_out() -> None:
    persona = make(PersonaFile, PERSONA)
    assert persona.outside_option == Constant(0.0)
    assert persona.harm == Constant(0.0)
    assert persona.comfort_tokens == Constant(0)
    assert persona.clarification.annoyance == Constant(0.0)
    assert persona.clarification.tolerance == Constant(0)
    assert persona.patience.discount == Constant(1.0)
    assert persona.patience.persistence == Constant(1)
    assert persona.style == Constant(0)
    assert persona.version == 1


@pytest.mark.parametrize("field", ["value", "conciseness", "effort", "budget", "price_sensitivity"])
def test_what_has_no_sensible_default_is_required(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        make(PersonaFile, {key: value for key, value in PERSONA.items() if key != field})


def test_models_are_frozen() -> None:
    persona = make(PersonaFile, PERSONA)
    with pytest.raises(ValidationError, match="frozen"):
        persona.value = Constant(1.0)


@pytest.mark.parametrize(
    ("form", "distribution"),
    [
        (3, Constant(3.0)),
        ({"uniform": [1, 2]}, Uniform(1.0, 2.0)),
        ({"normal": {"mean": 1, "std": 2}}, Normal(1.0, 2.0)),
        ({"normal": {"mean": 1, "std": 2, "min": 0, "max": 3}}, Normal(1.0, 2.0, 0.0, 3.0)),
        ({"lognormal": {"mean": 2, "sigma": 0.5}}, LogNormal(2.0, 0.5)),
        ({"choice": {"values": [1, 2]}}, Choice((1.0, 2.0), (1.0, 1.0))),
        ({"choice": {"values": [1, 2], "weights": [1, 3]}}, Choice((1.0, 2.0), (1.0, 3.0))),
    ],
)
def test_the_forms_of_a_distribution(form: Any, distribution: Any) -> None:
    assert make(PersonaFile, {**PERSONA, "value": form}).value == distribution


def test_money_may_be_a_distribution_to_the_last_pico_usd() -> None:
    form = {"choice": {"values": ["0.000000000001 USD", "0.02 USD"], "weights": [1, 2]}}
    budget = make(PersonaFile, {**PERSONA, "budget": form}).budget
    assert budget == Choice((1, PICO_PER_USD // 50), (1.0, 2.0))
    assert all(isinstance(value, int) for value in budget.values)


def test_the_style_is_a_distribution_over_indices() -> None:
    form = {"choice": {"values": ["chatty", "plain"], "weights": [3, 1]}}
    assert make(PersonaFile, {**PERSONA, "style": form}).style == Choice((2, 0), (3.0, 1.0))


_NUMBER = st.floats(-1000, 1000).map(lambda value: round(value, 6))
_POSITIVE = st.floats(0.001, 100).map(lambda value: round(value, 6))
_FORMS = (
    _NUMBER
    | st.builds(lambda a, b: {"uniform": [a, a + b]}, _NUMBER, _POSITIVE)
    | st.builds(lambda m, s: {"normal": {"mean": m, "std": s}}, _NUMBER, _POSITIVE)
    | st.builds(
        lambda m, s, a, b: {"normal": {"mean": m, "std": s, "min": m - a * s, "max": m + b * s}},
        _NUMBER,
        _POSITIVE,
        st.floats(0.01, 3),
        st.floats(0.01, 3),
    )
    | st.builds(
        lambda m, s: {"lognormal": {"mean": m, "sigma": s}}, _POSITIVE, st.floats(0.01, 0.8)
    )
    | st.lists(_NUMBER, min_size=1, max_size=5, unique=True).map(
        lambda values: {"choice": {"values": values}}
    )
)
_POINTS = TypeAdapter[Any](Points)


@given(_FORMS)
def test_distributions_are_written_as_they_are_read(form: Any) -> None:
    value = _POINTS.validate_python(form)
    assert _POINTS.validate_python(json.loads(_POINTS.dump_json(value))) == value


@given(
    _FORMS,
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([Latent(low=0.0), Latent(low=0.0, above=True, high=1.0), Latent(high=10.0)]),
)
def test_whatever_is_accepted_never_leaves_its_range(form: Any, u: float, latent: Latent) -> None:
    adapter = TypeAdapter[Any](latent_type(latent))
    try:
        value = adapter.validate_python(form)
    except ValidationError:
        return
    drawn = value.quantile(u)
    assert math.isfinite(drawn)
    assert latent.low is None or drawn >= latent.low
    assert latent.high is None or drawn <= latent.high


def latent_type(latent: Latent) -> Any:
    return Annotated[Any, latent]


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        (Discount, [1, 1e-9, {"uniform": [1e-9, 1]}], [0, 1.0000001, {"uniform": [0, 1]}, "1"]),
        (Count, [0, 64, 2.0, {"choice": {"values": [0, 64]}}], [-1, 65, 0.5, True, 2**53]),
        (Tokens, [0, MAX_TOKENS, {"uniform": [0.5, 3]}], [-1, MAX_TOKENS + 1, 0.5, None]),
        (
            Budget,
            ["0.000000000001 USD", "10000 USD", "10000.000000000000 USD"],
            ["0 USD", "10000.000000000001 USD", "1e3 USD", "USD", 1, "1 USD 2", "1" * 10**5],
        ),
    ],
)
def test_ranges_end_where_they_say(field: Any, good: list[Any], bad: list[Any]) -> None:
    adapter = TypeAdapter[Any](field)
    for value in good:
        adapter.validate_python(value)
    for value in [*bad, float("nan"), float("inf"), 10**400, "1e3", [1]]:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def test_a_distribution_that_could_reach_absurd_values_is_refused() -> None:
    adapter = TypeAdapter[Any](Tokens)
    adapter.validate_python({"lognormal": {"mean": 200, "sigma": 0.5}})
    with pytest.raises(ValidationError, match="at most 1e"):
        adapter.validate_python({"lognormal": {"mean": 200000, "sigma": 2}})


@pytest.mark.parametrize(
    ("usd", "pico"), [(3.00, 3_000_000), (0.075, 75_000), (0.1, 100_000), (1e-6, 1), (0, 0)]
)
def test_rates_are_exact(usd: float, pico: int) -> None:
    data = pricing({"kind": "per_token", "rates": {"input": usd, "output": usd}})
    assert make(PricingFile, data).regime().components == (PerToken(Rates(*[pico] * 4)),)


def pricing(*components: dict[str, Any]) -> dict[str, Any]:
    head = {"schema": "gtalign/pricing/1", "name": "p", "description": "d"}
    return {**head, "components": list(components)}


@given(st.integers(0, MAX_RATE * 10**6))
def test_every_pico_usd_per_token_survives_a_round_trip(pico: int) -> None:
    usd = float(Decimal(pico) / 10**6)
    file = make(PricingFile, pricing({"kind": "per_token", "rates": {"input": usd, "output": 1}}))
    again = make(PricingFile, json.loads(json.dumps(authored(file))))
    assert again == file
    (component,) = again.regime().components
    assert isinstance(component, PerToken)
    assert component.rates.input == pico


@given(st.integers(0, MAX_MONEY), st.integers(1, 10**9))
def test_a_subscription_is_spread_half_even(fee: int, conversations: int) -> None:
    text = f"{Decimal(fee) / PICO_PER_USD:f} USD"
    data = pricing({"kind": "subscription", "fee": text, "conversations_per_period": conversations})
    (component,) = make(PricingFile, data).regime().components
    assert isinstance(component, Subscription)
    assert component.share == round(Decimal(fee) / conversations)


def test_cached_input_defaults_to_input_and_reasoning_to_output() -> None:
    data = pricing({"kind": "per_token", "rates": {"input": 2, "output": 5}})
    (component,) = make(PricingFile, data).regime().components
    assert component == PerToken(Rates(2_000_000, 2_000_000, 5_000_000, 5_000_000))
    data["components"][0]["rates"]["cached_input"] = 0
    (component,) = make(PricingFile, data).regime().components
    assert component == PerToken(Rates(2_000_000, 0, 5_000_000, 5_000_000))


def test_no_bill_that_the_limits_allow_leaves_int64() -> None:
    """Worst case: every length, rate and fee at its limit for the longest conversation."""
    rate = MAX_RATE * 10**6
    context = total = 0
    for exchange in range(MAX_EXCHANGES):
        context += MAX_TOKENS  # the system prompt, then each user message
        context += MAX_TOKENS if exchange == 0 else 2 * MAX_TOKENS  # opening; answer and question
        total += context * rate + 3 * MAX_TOKENS * rate + MAX_MONEY
    assert total + 2 * MAX_MONEY < 2**63


def test_a_scenario_schema_can_be_written_for_editors() -> None:
    text = json.dumps(ScenarioFile.model_json_schema(), allow_nan=False)
    assert '"points / USD"' in text
