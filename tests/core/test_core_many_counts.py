"""Laws of money and welfare over many random plays: full counts are slow, smaller ones are always run."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

import pytest

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.ledger import Exchange, bill
from gtalign_env.core.moves import AssistantMove, Ending
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws, Seat
from gtalign_env.persona import UserType
from gtalign_env.pricing import Outcome, PerMessage, PerToken, Regime, Subscription, Usage

GameMaker = Callable[..., GameSpec]
RICH = 10**18  # pico-USD: a budget that nothing exceeds


def played(talk: Conversation, rng: random.Random) -> Conversation:
    while talk.state.ending is None:
        if talk.state.to_move is Seat.USER:
            talk.step_user(rng.choice(legal_user_moves(talk.state)))
        else:
            talk.step_assistant(rng.choice(tuple(AssistantMove)))
    return talk


def slow(count: int) -> object:
    return pytest.param(count, marks=pytest.mark.slow)


@pytest.mark.parametrize("turns", [10_000, slow(1_000_000)])
def test_over_many_turns_not_a_pico_usd_is_made_or_lost(random_game: GameMaker, turns: int) -> None:
    rng = random.Random(31)
    made = episode = 0
    spec = random_game(rng)
    while made < turns:
        if episode % 50 == 0:
            spec = random_game(rng)
        talk = played(Conversation(spec, Draws(31, episode)), rng)
        lines = talk.ledger.lines
        assert sum(line.amount for line in lines) == 0
        assert -talk.ledger.balance(Seat.USER) == talk.ledger.balance(Seat.ASSISTANT)
        assert -talk.ledger.balance(Seat.USER) == talk.state.charged <= talk.who.budget
        assert all(a.amount == -b.amount <= 0 for a, b in zip(lines[::2], lines[1::2], strict=True))
        made += len(talk.user_moves) + len(talk.assistant_moves)
        episode += 1


def reference(exchanges: list[Exchange], accepted: bool, regime: Regime) -> Fraction:
    """Return the total charge, pico-USD, as a second implementation in fractions."""
    total = Fraction(0)
    output = 0
    for index, (usage, move) in enumerate(exchanges):
        free = regime.free_questions and move is AssistantMove.CQ
        before, output = output, output + usage.output
        if free:
            continue
        for part in regime.components:
            if isinstance(part, PerToken):
                rates = part.rates
                total += Fraction(rates.input) * (usage.input - usage.cached_input)
                total += Fraction(rates.cached_input) * usage.cached_input
                total += Fraction(rates.output) * usage.output
                total += Fraction(rates.reasoning) * usage.reasoning
            elif isinstance(part, PerMessage):
                total += part.fee
            elif isinstance(part, Subscription):
                if index == 0:
                    total += part.share
                if part.included_output_tokens is not None:
                    over = max(0, output - part.included_output_tokens) - max(
                        0, before - part.included_output_tokens
                    )
                    total += Fraction(part.overage) * over
    if accepted:
        total += sum(part.fee for part in regime.components if isinstance(part, Outcome))
    return total


@pytest.mark.parametrize("bills", [2_000, slow(100_000)])
def test_bills_are_those_of_a_second_implementation(random_game: GameMaker, bills: int) -> None:
    rng = random.Random(33)
    for _ in range(bills // 20):
        regime = random_game(rng).regime
        for _ in range(20):
            exchanges = []
            for _ in range(rng.randrange(1, 6)):
                sent = rng.randrange(10**6)
                usage = Usage(
                    sent, rng.randint(0, sent), rng.randrange(10**5), rng.randrange(10**5)
                )
                exchanges.append(Exchange(usage, rng.choice(tuple(AssistantMove))))
            accepted = rng.random() < 0.5
            charges = bill(exchanges, accepted, regime)
            assert all(isinstance(charge, int) for charge in charges)
            assert sum(charges) == reference(exchanges, accepted, regime)


@pytest.mark.parametrize("plays", [400, slow(20_000)])
def test_the_record_gives_the_live_bill(random_game: GameMaker, plays: int) -> None:
    rng = random.Random(35)
    for episode in range(plays):
        spec = random_game(rng)
        talk = played(Conversation(spec, Draws(35, episode)), rng)
        accepted = talk.state.ending is Ending.ACCEPTED
        live = [-line.amount for line in talk.ledger.lines if line.account is Seat.USER]
        assert bill(talk.ledger.exchanges, accepted, spec.regime) == live


# which way U may move, if one latent preference grows and the play stays the same
GROWS = {
    "value": +1,
    "harm": -1,
    "conciseness": -1,
    "comfort_tokens": +1,
    "annoyance": -1,
    "tolerance": 0,  # by the sign of the annoyance, below
    "effort_vague": -1,
    "effort_definite": -1,
    "effort_reply": -1,
    "effort_follow_up": -1,
    "price_sensitivity": -1,
    "outside_option": +1,
    "discount": 0,  # by the sign of what is discounted, below
}
PARTS = {name for name in UserType._fields} - {"budget", "persistence", "style"}
"""What welfare depends on; the others decide what is done, not what it is worth."""


def test_every_preference_has_its_direction() -> None:
    assert set(GROWS) == PARTS


def way(name: str, talk: Conversation) -> int:
    """Return which way U may move in a play, as that preference grows; 0 for not at all."""
    who, ending, right = talk.who, talk.state.ending, talk.state.right
    accepted = ending is Ending.ACCEPTED
    if name == "tolerance":
        return 1 if who.annoyance > 0 else -1 if who.annoyance < 0 else 0
    if name == "discount":
        if not accepted or talk.state.exchange == 0:
            return 0
        worth = who.value if right else -who.harm
        return 1 if worth > 0 else -1 if worth < 0 else 0
    if name == "value":
        return +1 if accepted and right else 0
    if name == "harm":
        return -1 if accepted and not right else 0
    if name == "outside_option":
        return 0 if accepted else +1
    return GROWS[name]


STRICT = ("value", "harm", "outside_option")
"""Those that move U for certain wherever they apply."""


@pytest.mark.parametrize("pairs", [2_600, slow(100_000)])
def test_welfare_moves_the_right_way_in_each_latent_preference(
    random_game: GameMaker, pairs: int
) -> None:
    rng = random.Random(56)
    moved = dict.fromkeys(GROWS, 0)
    for number in range(pairs // len(GROWS)):
        spec = random_game(rng)
        talk = Conversation(spec, Draws(56, number))
        talk.who = talk.who._replace(budget=RICH)
        played(talk, rng)
        for name in GROWS:
            again = Conversation(spec, talk.draws)
            step = rng.uniform(0.01, 2.0)
            before = getattr(talk.who, name)
            more = min(1.0, before + 0.1 * step) if name == "discount" else before + step
            if name in ("tolerance", "comfort_tokens"):
                more = before + rng.randint(1, 40)
            again.who = talk.who._replace(**{name: more})
            copy(talk, again)
            change = again.returns[0] - talk.returns[0]
            direction = way(name, talk)
            if direction == 0:
                assert change == pytest.approx(0.0, abs=1e-9), name
            else:
                assert change * direction >= -1e-9, name
                if name in STRICT:
                    assert change * direction > 0
            moved[name] += abs(change) > 1e-9
            # the provider gets what it got, whoever the user is
            assert again.returns[1] == pytest.approx(talk.returns[1], abs=1e-9)
    assert min(moved.values()) > 0, moved


def copy(talk: Conversation, again: Conversation) -> None:
    """Play the same messages, as right as they were."""
    answers = list(talk.assistant_moves)
    rights = iter(right_of(talk))
    for index, move in enumerate(talk.user_moves):
        again.step_user(move)
        if index < len(answers):
            again.step_assistant(answers[index], right=next(rights))


def right_of(talk: Conversation) -> list[bool]:
    """Return which answers of a play were right, by playing it again with its own chance."""
    twin = Conversation(talk.spec, talk.draws)
    twin.who = talk.who
    found = []
    for index, move in enumerate(talk.user_moves):
        twin.step_user(move)
        if index < len(talk.assistant_moves):
            twin.step_assistant(talk.assistant_moves[index])
            found.append(twin.state.right)
    return found


def test_a_planted_wrong_sign_is_found(
    random_game: GameMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GROWS, "conciseness", +1)
    with pytest.raises(AssertionError):
        test_welfare_moves_the_right_way_in_each_latent_preference(random_game, 2_600)
