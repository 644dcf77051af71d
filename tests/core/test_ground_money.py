"""Money: exact to the last pico-USD, and text that reads back."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_env.money import (
    PICO_PER_USD,
    divide_half_even,
    format_money,
    parse_money,
    rate_per_token,
    to_usd,
)

amounts = st.integers(0, 10**40) | st.integers(0, 10**15)


@given(amounts)
def test_what_is_written_reads_back(pico: int) -> None:
    assert parse_money(format_money(pico)) == pico


@given(st.integers(0, 10**30), st.text("0123456789", min_size=1, max_size=12))
def test_the_amount_is_the_decimal_number_exactly(whole: int, decimals: str) -> None:
    number = f"{whole}.{decimals}"
    assert Fraction(parse_money(f"{number} USD"), PICO_PER_USD) == Fraction(number)


def test_a_thousand_digits_lose_nothing() -> None:
    digits = "123456789" * 111
    assert parse_money(f"{digits}.000000000001 USD") == int(digits) * PICO_PER_USD + 1
    assert format_money(int(digits) * PICO_PER_USD + 1) == f"{digits}.000000000001 USD"


@given(amounts)
def test_the_text_has_no_more_digits_than_it_needs(pico: int) -> None:
    number, unit = format_money(pico).split(" ")
    assert unit == "USD"
    assert number == "0" or not number.endswith("." if "." not in number else "0")
    assert Fraction(number) == Fraction(pico, PICO_PER_USD)


def test_a_debt_is_shown_with_its_sign() -> None:
    assert format_money(-1) == "-0.000000000001 USD"


@pytest.mark.parametrize(
    "text",
    ["", "5", "USD 5", "5 EUR", "-1 USD", "1e-3 USD", ".5 USD", "1. USD", "1,000 USD", "٣ USD",
     "NaN USD", "1 USD 2", "1 usd"],
)  # fmt: skip
def test_what_is_no_money_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"like '0\.05 USD'"):
        parse_money(text)


def test_a_fraction_of_a_pico_usd_is_refused() -> None:
    with pytest.raises(ValueError, match="finer than one pico-USD"):
        parse_money("0.0000000000001 USD")
    with pytest.raises(ValueError, match="finer than one pico-USD"):
        rate_per_token("0.0000001")
    assert parse_money("0.0000000000010 USD") == 1


def test_list_prices_are_whole_rates() -> None:
    # $0.075 per million tokens is 75,000 pico-USD a token: micro-cents would be too coarse
    assert rate_per_token(0.075) == 75_000
    assert rate_per_token("0.075") == rate_per_token(Decimal("0.0750")) == 75_000
    assert rate_per_token(0.1) == rate_per_token("0.10") == 100_000
    assert rate_per_token(15) == 15_000_000


@given(st.integers(0, 10**18))
def test_a_rate_times_a_million_tokens_is_the_list_price(rate: int) -> None:
    assert rate_per_token(Decimal(rate).scaleb(-6)) == rate
    assert parse_money(format_money(rate * 10**6)) == rate * 10**6


@pytest.mark.parametrize("price", [-1, float("nan"), float("inf"), "three", True, "-0.01"])
def test_what_is_no_rate_is_refused(price: float | str) -> None:
    with pytest.raises(ValueError, match="finite number ≥ 0"):
        rate_per_token(price)


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**12))
def test_division_rounds_half_to_even(amount: int, parts: int) -> None:
    assert divide_half_even(amount, parts) == round(Fraction(amount, parts))


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_ties_go_to_the_even_neighbour(half: int, parts: int) -> None:
    # (2k + 1)/2 lies between k and k + 1, whatever both sides are multiplied by
    rounded = divide_half_even((2 * half + 1) * parts, 2 * parts)
    assert rounded % 2 == 0
    assert rounded in (half, half + 1)


@pytest.mark.parametrize("parts", [0, -3])
def test_nothing_is_shared_among_nobody(parts: int) -> None:
    with pytest.raises(ValueError, match="positive number of parts"):
        divide_half_even(1, parts)


@given(st.integers(-(10**18), 10**18))
def test_a_float_of_money_is_the_nearest_one(pico: int) -> None:
    assert to_usd(pico) == float(Fraction(pico, PICO_PER_USD))


def test_a_rate_by_the_token_is_told_what_it_was_meant_to_be() -> None:
    with pytest.raises(ValueError, match=r"or write 7\.5 if it was meant per token"):
        rate_per_token(0.0000075)
    with pytest.raises(ValueError, match=r"round it$"):
        rate_per_token("3.0000001")
