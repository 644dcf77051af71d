"""One recipe with several rewards, formats, settings and seeds: trained one after another, told together.

Every cell is an ordinary run folder. A finished one is never run again, an interrupted one goes on, so the
whole is resumed by asking for it again. Cells of one seed that begin in the same way begin with the same
warm start, which is made once.
"""

from __future__ import annotations

from gtalign_training.ablation.page import MEASURES, TOGETHER, head, page, rows_of, tables
from gtalign_training.ablation.results import (
    Summary,
    mean_over_seeds,
    measures_of,
    summaries,
    summarised,
    together,
)
from gtalign_training.ablation.runs import finished, run_all
from gtalign_training.ablation.variants import (
    FORMATS,
    Variant,
    formats_of,
    recipe_of,
    rewards_of,
    seeds_of,
    variant_of,
    variants,
    vary_of,
)

__all__ = [
    "FORMATS",
    "MEASURES",
    "TOGETHER",
    "Summary",
    "Variant",
    "finished",
    "formats_of",
    "head",
    "mean_over_seeds",
    "measures_of",
    "page",
    "recipe_of",
    "rewards_of",
    "rows_of",
    "run_all",
    "seeds_of",
    "summaries",
    "summarised",
    "tables",
    "together",
    "variant_of",
    "variants",
    "vary_of",
]
