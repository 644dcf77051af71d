"""The 144 ordinal games and their topology, checked by construction; the meter; the batches."""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gtalign_env.games.dilemma import (
    CLASSES,
    is_social_dilemma,
    ordinal_class,
    ordinal_class_batch,
    ordinal_classes,
    social_dilemma_batch,
    strict_dilemmas,
    strict_pd_batch,
)
from gtalign_env.games.dilemma_meter import dilemma_meter
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.ordinal_topology import (
    ORDERS,
    SWAPS,
    OrdinalGame,
    SeatName,
    find_game,
    ordinal_game,
    ranks_in,
    strict_games,
    swapped,
)

SEATS: tuple[SeatName, SeatName] = ("user", "assistant")
AXELROD = NormalFormGame(np.array([[3, 0], [5, 1]]), np.array([[3, 5], [0, 1]]))


def neighbours(game: OrdinalGame, swaps: tuple[Any, ...] = SWAPS) -> set[OrdinalGame]:
    return {swapped(game, seat, swap) for seat in SEATS for swap in swaps}


def test_there_are_144_games_of_which_12_are_symmetric_and_66_pairs_mirror_each_other() -> None:
    games = strict_games()
    assert len(games) == len({game.number for game in games}) == 144
    assert Counter(game.layer for game in games) == {1: 36, 2: 36, 3: 36, 4: 36}
    assert sum(game == game.mirror for game in games) == 12
    assert len({frozenset((game, game.mirror)) for game in games}) == 78  # Rapoport and Guyer


def test_every_one_of_the_576_matrices_is_one_of_them_four_times() -> None:
    found = Counter(
        ordinal_game((a, b, c, d), (e, f, g, h))
        for (a, b, c, d), (e, f, g, h) in product(permutations(range(4)), repeat=2)
    )
    assert set(found) == set(strict_games())
    assert set(found.values()) == {4}  # the order of either seat's plans


@pytest.mark.parametrize(
    ("number", "name"),
    [  # Robinson and Goforth (2005); Bruns (2015)
        ("g111", "prisoner's dilemma"),
        ("g122", "chicken"),
        ("g133", "battle"),
        ("g144", "hero"),
        ("g155", "compromise"),
        ("g166", "deadlock"),
        ("g311", "concord"),
        ("g322", "stag hunt"),
        ("g333", "assurance"),
        ("g344", "coordination"),
        ("g355", "peace"),
        ("g366", "harmony"),
        ("g221", "stag hunt x prisoner's dilemma"),  # the alibi games
        ("g412", "prisoner's dilemma x stag hunt"),
    ],
)
def test_known_games_have_their_numbers(number: str, name: str) -> None:
    assert find_game(number).name == name
    assert find_game(name).number == number


def test_swaps_undo_themselves_and_make_six_neighbours() -> None:
    for game in strict_games():
        assert len(neighbours(game)) == 6
        for seat, swap in product(SEATS, SWAPS):
            assert swapped(swapped(game, seat, swap), seat, swap) == game or swap == "high"
            assert game in neighbours(swapped(game, seat, swap))


def test_low_and_middle_swaps_make_the_layers_and_high_swaps_join_them() -> None:
    reached, ahead = set(), [find_game("g111")]
    while ahead:
        game = ahead.pop()
        reached.add(game)
        ahead += neighbours(game, ("low", "middle")) - reached
    assert reached == {game for game in strict_games() if game.layer == 1}
    for game in strict_games():
        # Rows and columns are in the order of low and middle swaps, in a ring of six.
        for seat, place in (("user", game.row), ("assistant", game.column)):
            after = [swapped(game, seat, swap) for swap in ("low", "middle")]  # type: ignore[arg-type]  # literals in a loop
            places = [one.row if seat == "user" else one.column for one in after]
            ring = {(place % 6) + 1, ((place - 2) % 6) + 1}
            assert set(places) == ring
            assert {one.layer for one in after} == {game.layer}
            assert places[0] == (place + 1 if place % 2 else place - 1)  # low swaps make tiles
        assert all(other.layer != game.layer for other in neighbours(game, ("high",)))


def test_ranks_lead_back_to_the_game_and_to_its_broad_name() -> None:
    for game in strict_games():
        user, assistant = ranks_in(game)
        assert ordinal_game(user, assistant) == game
        if game.user == game.assistant:
            assert ordinal_class(user, assistant) not in ("other", "cyclic", "tied")
    assert len({order.pattern for order in ORDERS}) == 12


def test_unknown_games_and_ties_are_refused() -> None:
    with pytest.raises(ValueError, match="Did you mean 'stag hunt'"):
        find_game("stag hnt")
    with pytest.raises(ValueError, match="four different ranks"):
        ordinal_game((0, 0, 1, 2), (0, 1, 2, 3))


def test_greed_fear_and_margins_of_axelrods_dilemma() -> None:
    (only,) = dilemma_meter(AXELROD).restrictions
    assert only.user == only.assistant
    assert only.user is not None
    assert only.user.payoffs == {"R": 3, "S": 0, "T": 5, "P": 1}
    assert (only.user.greed, only.user.fear) == (2, 1)
    assert (only.user.greed_share, only.user.fear_share) == (0.4, 0.2)
    assert only.user.cooperation_index == 0.4
    assert only.user.margins == {"R": 2, "S": 1, "T": 2, "P": 1}
    assert [game.number for game in only.games] == ["g111"]
    assert [(one.gap, one.game.label) for one in only.neighbours[:2]] == [(1, "ChPd"), (1, "PdCh")]


payoff = st.integers(-4, 4)
matrix = arrays(np.float64, (2, 2), elements=payoff)


@given(matrix, matrix)
def test_a_change_beyond_the_gap_leads_to_the_neighbour_and_a_smaller_one_does_not(
    user: Any, assistant: Any
) -> None:
    (only,) = dilemma_meter(NormalFormGame(user, assistant)).restrictions
    assert only.tied == (len(set(user.flat)) < 4 or len(set(assistant.flat)) < 4)
    for other in only.neighbours:
        own = {"user": user, "assistant": assistant}
        meter = only.user if other.seat == "user" else only.assistant
        assert meter is not None
        high, low = (meter.payoffs[letter] for letter in other.payoffs)
        for share, moved in ((0.5, only.games[0]), (1.5, other.game)):
            change = dict(own)
            # Both payoffs of the swap move towards each other, by shares of the gap in all.
            shift = {high: -0.5 * share * other.gap, low: 0.5 * share * other.gap}
            change[other.seat] = np.vectorize(lambda x, by=shift: x + by.get(x, 0.0))(
                own[other.seat]
            )
            (after,) = dilemma_meter(
                NormalFormGame(change["user"], change["assistant"])
            ).restrictions
            assert moved in after.games


@given(matrix, matrix)
def test_ties_lie_between_the_games_that_breaking_them_gives(user: Any, assistant: Any) -> None:
    (only,) = dilemma_meter(NormalFormGame(user, assistant)).restrictions
    rng = np.random.default_rng(0)
    for _ in range(5):
        broken = [own + rng.uniform(-0.01, 0.01, (2, 2)) for own in (user, assistant)]
        (after,) = dilemma_meter(NormalFormGame(*broken)).restrictions
        assert after.games[0] in only.games
        assert only.cooperate in (None, after.cooperate)


def test_batches_say_of_every_game_what_one_call_says() -> None:
    rng = np.random.default_rng(5)
    for shape in ((2, 2), (2, 3), (3, 3)):
        user, assistant = rng.integers(0, 9, (2, 150, *shape)).astype(float)
        user[0, :2, :2], assistant[0, :2, :2] = AXELROD.user, AXELROD.assistant
        games = [NormalFormGame(u, v) for u, v in zip(user, assistant, strict=True)]
        solved = [nash_equilibria(game) for game in games]
        most = max(len(one.found) for one in solved)
        payoffs = np.full((len(games), most, 2), np.nan)
        for i, one in enumerate(solved):
            payoffs[i, : len(one.found)] = [found.payoffs for found in one.found]
        batch = type("Solved", (), {"payoffs": payoffs})()
        strict = [bool(strict_dilemmas(game)) for game in games]
        social = [is_social_dilemma(*both) for both in zip(games, solved, strict=True)]
        assert strict_pd_batch(user, assistant).tolist() == strict
        assert social_dilemma_batch(user, assistant, batch).tolist() == social
        assert any(strict)
        assert any(social)
        if shape == (2, 2):
            found = [CLASSES[i] for i in ordinal_class_batch(user, assistant)]
            assert found == [only for game in games for only in ordinal_classes(game).values()]


def test_batches_refuse_what_is_no_stack_and_take_an_empty_one() -> None:
    flat, none = np.zeros((2, 2)), np.zeros((0, 2, 2))
    with pytest.raises(ValueError, match=r"one shape \(N, m, n\); got user \(2, 2\)"):
        strict_pd_batch(flat, flat)
    with pytest.raises(ValueError, match="Restrict larger games"):
        ordinal_class_batch(np.zeros((1, 2, 3)), np.zeros((1, 2, 3)))
    assert ordinal_class_batch(none, none).shape == strict_pd_batch(none, none).shape == (0,)
