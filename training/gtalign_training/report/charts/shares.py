"""Shares as one bar of parts; it stretches with the page, and its numbers stand beside it."""

from __future__ import annotations

from collections.abc import Mapping

from gtalign_training.report.charts.svg import rect
from gtalign_training.report.html import Html, tag
from gtalign_training.report.words import percent


def share_bar(shares: Mapping[str, float], looks: Mapping[str, str], optimal: str = "") -> Html:
    """Return a bar of shares.

    Args:
        shares: By label, in order; their sum is at most 1.
        looks: Class of the colour by label.
        optimal: The label that is outlined.
    """
    left, parts = 0.0, []
    for label, share in shares.items():
        look = looks.get(label, "x0") + (" best" if label == optimal else "")
        parts.append(rect(left, 0, 1000 * share, 10, f"part {look}", f"{label} {percent(share)}"))
        left += 1000 * share
    said = ", ".join(f"{label} {percent(share)}" for label, share in shares.items())
    return tag(
        "svg",
        parts,
        viewBox="0 0 1000 10",
        preserveAspectRatio="none",
        class_="shares",
        role="img",
        aria_label=said,
    )
