"""Games as files for Gambit and OpenSpiel: ``.efg`` for trees, ``.nfg`` for matrices.

Both programs read the same two formats, each with habits of its own:

- Gambit takes chance probabilities that sum to exactly 1, so the last one is written as what the
  others leave; labels are printable ASCII, distinct and not empty.
- OpenSpiel reads an ``.nfg`` only with the numbers of plans in place of their names. In an ``.efg``
  it numbers moves as they first appear and then sorts the numbers at each node, but not the moves;
  so moves are listed here in that order. Neither of its readers knows escaped quotes.

Numbers are decimals that read back as the same doubles.

References:
    Turocy et al., "Gambit: the package for computation in game theory", manual, "Game
    representation formats"; Lanctot et al. (2019), "OpenSpiel: a framework for reinforcement
    learning in games", sec. 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext

from gtalign_env.core.extensive import Chance, ExtensiveForm, Leaf, Node
from gtalign_env.games.normal_form import NormalFormGame

PLAYERS = '{ "user" "assistant" }'
_DIGITS = 1_100  # a double has at most 1,075 decimals, so sums of probabilities stay exact


def efg(form: ExtensiveForm, *, openspiel: bool = False) -> Iterator[str]:
    """Yield the lines of an ``.efg`` file; player 1 is the user.

    Args:
        form: The tree.
        openspiel: Whether OpenSpiel is to read it, rather than Gambit.
    """
    yield f'EFG 2 R "{ascii_label(form.name)}" {PLAYERS}'
    exactly = "exact" if form.exact else "approximate: continuous types or lengths are binned"
    yield f'"U and L of a conversation, points; {exactly}"'
    numbers: dict[str, int] = {}
    draws = leaves = 0
    stack: list[Node] = [form.root]
    while stack:
        node = stack.pop()
        if isinstance(node, Leaf):
            leaves += 1
            payoffs = f"{{ {decimal(node.user)} {decimal(node.assistant)} }}"
            yield f't "" {leaves} "{node.ending.name.lower()} {leaves}" {payoffs}'
            continue
        places = range(len(node.children))
        if isinstance(node, Chance):
            draws += 1
            chances = zip(ascii_labels(node.labels), probabilities(node.probabilities), strict=True)
            listed = " ".join(f'"{label}" {p}' for label, p in chances)
            yield f'c "" {draws} "" {{ {listed} }} 0'
        else:
            known = node.information
            names = [move.label for move in known.moves]
            if openspiel:
                for name in names:
                    numbers.setdefault(name, len(numbers))
                places = sorted(places, key=lambda place: numbers[names[place]])  # type: ignore[assignment]  # places in another order
            listed = " ".join(f'"{names[place]}"' for place in places)
            seen = ascii_label(known.label)
            yield f'p "" {known.seat + 1} {known.number} "{seen}" {{ {listed} }} 0'
        stack += [node.children[place] for place in reversed(places)]


def nfg(game: NormalFormGame, *, openspiel: bool = False) -> Iterator[str]:
    """Yield the lines of an ``.nfg`` file; player 1 is the user.

    Args:
        game: Payoffs of shape ``(m, n)``, points.
        openspiel: Whether OpenSpiel is to read it, which takes no names of plans.
    """
    yield f'NFG 1 R "{ascii_label(game.name or "game")}" {PLAYERS}'
    if openspiel:
        m, n = game.shape
        yield f"{{ {m} {n} }}"
    else:
        plans = (game.user_plans, game.assistant_plans)
        listed = [" ".join(f'"{name}"' for name in ascii_labels(names)) for names in plans]
        yield f"{{ {{ {listed[0]} }} {{ {listed[1]} }} }}"
    yield ""
    # the format lets the first player's plan run fastest
    for user, assistant in zip(game.user.T.flat, game.assistant.T.flat, strict=True):
        yield f"{decimal(float(user))} {decimal(float(assistant))}"


def decimal(x: float) -> str:
    """Return a number without exponent that reads back as the same double.

    Raises:
        ValueError: The number is not finite.
    """
    value = Decimal(repr(float(x)))
    if not value.is_finite():
        raise ValueError(f"files hold finite numbers only; got {x!r}")
    return f"{value:f}" if value else "0"


def probabilities(values: Sequence[float]) -> list[str]:
    """Return probabilities as decimals that sum to exactly 1; the last one takes up the rest.

    Args:
        values: Positive, with sum 1 within rounding.
    """
    with localcontext(prec=_DIGITS):
        first = [Decimal(repr(float(value))) for value in values[:-1]]
        return [f"{value:f}" for value in (*first, 1 - sum(first, Decimal(0)))]


def ascii_label(text: str) -> str:
    """Return text as a label that both programs read: printable ASCII, no quotes, no backslash."""
    swapped = text.replace('"', "'").replace("\\", "/")
    kept = "".join(c if c.isascii() and c.isprintable() else "?" for c in swapped)
    return kept or "?"


def ascii_labels(texts: Sequence[str]) -> list[str]:
    """Return labels that stay distinct, by a number behind those that would be alike."""
    out: list[str] = []
    for text in texts:
        label, count = ascii_label(text), 1
        while label in out:
            count += 1
            label = f"{ascii_label(text)} {count}"
        out.append(label)
    return out
