"""`Evaluation`: what is asked of whom, under which prices, and who judges it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from gtalign_agents.backends.named import runs_here
from gtalign_agents.dialogue.assistant import Format
from gtalign_env.core.spec import GameSpec
from gtalign_env.errors import RunError
from gtalign_env.pricing import Rates, Regime
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.fields import authored
from gtalign_env.scenario.loader import Scenario, parse_scenario
from gtalign_env.scenario.schema import PersonaFile, PricingFile
from gtalign_training.data.files import read_questions
from gtalign_training.data.rows import Question
from gtalign_training.run_folder import RunFolder
from gtalign_training.runs.folder import RUN, version_now

SCHEMA = "gtalign/evaluation/1"

F = TypeVar("F", PricingFile, PersonaFile)

ROWS = "rows.jsonl"
"""All rows of the files, so that a folder is complete without them."""

Arm = Literal["unsteered", "record-only", "edit"]
"""What happens to a written matrix: nothing; it is left, and what the edit would choose is recorded;
it is edited and the turn goes on from it."""

SteerMode = Literal["both", "edit", "record-only"]
STEER_MODES: tuple[str, ...] = get_args(SteerMode)

RULES, NO_JUDGE = "rules", "none"
"""Judges that are no model."""


class Condition(NamedTuple):
    """Under what an answer is given."""

    regime: str
    arm: Arm

    @property
    def label(self) -> str:
        """Its name, for tables."""
        return self.regime if self.arm == "unsteered" else f"{self.regime}, {self.arm}"


@dataclass(frozen=True)
class Evaluation:
    """All that the answers and verdicts of an evaluation depend on.

    Attributes:
        rows: The questions, of all files.
        files: Name of each file and how many rows it has, in order.
        limit: How many rows are asked, from the first on.
        scenario: Whose provider, message lengths and joint welfare count, for edits and for the
            economic welfare.
        pricings: The regimes, in order; every row is asked under each.
        assistant: Name of a model, or of a baseline.
        format: What the assistant writes.
        instructions: What a model is told before the price; None for what the format asks for.
        steer: λ̂ of the edit, points per USD; None to leave matrices alone and unread.
        steer_mode: Whether matrices are edited, left as the control, or both in turn.
        told: The price that the model is told of under every regime; None to tell it each.
        persona: Who the users are, for the economic welfare; None for none.
        judge: ``rules``, ``none``, or the name of a model.
        rules_first: Whether a model judges only what rules cannot tell.
        welfare: Name of the welfare of texts.
        seed: Of samples, types and intervals.
        temperature: Of the assistant.
        max_tokens: Longest answer, tokens.
        judge_max_tokens: Longest verdict, tokens.
        assistant_rates: What the assistant's model costs, pico-USD per token; None if not counted.
        judge_rates: What the judge's costs.
        at_once: How many rows are asked side by side.
    """

    rows: tuple[Question, ...]
    files: tuple[tuple[str, int], ...]
    limit: int
    scenario: Scenario
    pricings: tuple[PricingFile, ...]
    assistant: str
    format: Format = "plain"
    instructions: str | None = None
    steer: float | None = None
    steer_mode: SteerMode = "both"
    told: PricingFile | None = None
    persona: PersonaFile | None = None
    judge: str = RULES
    rules_first: bool = True
    welfare: str = "gtalign-corrected"
    seed: int = 0
    temperature: float = 1.0
    max_tokens: int = 1024
    judge_max_tokens: int = 1024
    assistant_rates: Rates | None = None
    judge_rates: Rates | None = None
    at_once: int = 32

    @property
    def asked(self) -> tuple[Question, ...]:
        """The rows that are asked."""
        return self.rows[: self.limit]

    @property
    def arms(self) -> tuple[Arm, ...]:
        """What happens to matrices, the control first."""
        if self.steer is None:
            return ("unsteered",)
        return ("record-only", "edit") if self.steer_mode == "both" else (self.steer_mode,)

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Under what every row is asked, in order."""
        return tuple(Condition(p.name, arm) for p in self.pricings for arm in self.arms)

    @cached_property
    def specs(self) -> dict[str, GameSpec]:
        """The game of each regime, by its name, with the persona's users if there is one."""
        scenario = self.scenario
        if self.persona is not None:
            scenario = dataclasses.replace(scenario, population=((1.0, self.persona),))
        return {p.name: compile_scenario(scenario.with_pricing(p)) for p in self.pricings}

    def spec(self, condition: Condition) -> GameSpec:
        """Return the game of a condition."""
        return self.specs[condition.regime]

    @property
    def told_regime(self) -> Regime | None:
        """The price that the model is told of under every regime."""
        return None if self.told is None else self.told.regime()

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for an evaluation to be gone on with, as plain JSON data."""
        rates = {
            name: None if value is None else list(value)
            for name, value in (("assistant", self.assistant_rates), ("judge", self.judge_rates))
        }
        local = any(map(runs_here, (self.assistant, self.judge)))
        return {
            "schema": SCHEMA,
            "gtalign-env": version_now(),
            "files": [{"name": name, "rows": rows} for name, rows in self.files],
            "rows_digest": digest_of(self.rows),
            "scenario": self.scenario.to_data(),
            "digest": self.scenario.digest,
            "pricing": [authored(pricing) for pricing in self.pricings],
            "told": None if self.told is None else authored(self.told),
            "persona": None if self.persona is None else authored(self.persona),
            "assistant": self.assistant,
            "format": self.format,
            "instructions": self.instructions,
            "steer": self.steer,
            "steer_mode": None if self.steer is None else self.steer_mode,
            "judge": self.judge,
            "rules_first": self.rules_first,
            "welfare": self.welfare,
            "seed": self.seed,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "judge_max_tokens": self.judge_max_tokens,
            "rates": rates,
            # a model in this process draws by batch; elsewhere it makes no difference
            **({"at_once": self.at_once} if local else {}),
        }

    def facts(self) -> dict[str, Any]:
        """Return what a summary says of the evaluation."""
        return {
            "schema": SCHEMA,
            "files": [{"name": name, "rows": rows} for name, rows in self.files],
            "rows": len(self.asked),
            "assistant": self.assistant,
            "format": self.format,
            "pricing": [pricing.name for pricing in self.pricings],
            "told": None if self.told is None else self.told.name,
            "steer": self.steer,
            "scenario": self.scenario.name,
            "persona": None if self.persona is None else self.persona.name,
            "judge": self.judge,
            "welfare": self.welfare,
            "seed": self.seed,
            "temperature": self.temperature,
        }


def from_run(path: Path, **changes: Any) -> Evaluation:
    """Return the evaluation of a folder, complete without the files that it was made from.

    Args:
        path: The folder.
        changes: Fields that are to be others, such as the judge.

    Raises:
        RunError: It is no evaluation's folder, or damaged.
    """
    data = RunFolder(path).read(RUN)
    if data.get("schema") != SCHEMA:
        raise RunError(f"{path} is no folder of gtalign data evaluate; it has no judged answers")
    rates = {seat: None if r is None else Rates(*r) for seat, r in data["rates"].items()}
    try:
        plan = Evaluation(
            rows=tuple(read_questions(path / ROWS)),
            files=tuple((one["name"], one["rows"]) for one in data["files"]),
            limit=data["rows"],
            scenario=parse_scenario(data["scenario"], source=str(path / RUN)),
            pricings=tuple(_file(PricingFile, one) for one in data["pricing"]),
            assistant=data["assistant"],
            format=data["format"],
            instructions=data["instructions"],
            steer=data["steer"],
            steer_mode=data["steer_mode"] or "both",
            told=None if data["told"] is None else _file(PricingFile, data["told"]),
            persona=None if data["persona"] is None else _file(PersonaFile, data["persona"]),
            judge=data["judge"],
            rules_first=data["rules_first"],
            welfare=data["welfare"],
            seed=data["seed"],
            temperature=data["temperature"],
            max_tokens=data["max_tokens"],
            judge_max_tokens=data["judge_max_tokens"],
            assistant_rates=rates["assistant"],
            judge_rates=rates["judge"],
            at_once=data.get("at_once", 32),
        )
    except (KeyError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}") from error
    if digest_of(plan.rows) != data["rows_digest"]:
        raise RunError(f"{path / ROWS} is not what was asked (its hash differs); restore it")
    return dataclasses.replace(plan, **changes)


def _file(kind: type[F], data: Any) -> F:
    # as JSON, in which a list stands for a tuple
    return kind.model_validate_json(json.dumps(data))


def digest_of(rows: Sequence[Question]) -> str:
    """Return a hash of all that rows say, wherever their files lie.

    Args:
        rows: The rows.
    """
    said = blake2b(digest_size=16)
    for row in rows:
        said.update(repr([*asdict(row).values()][:-2]).encode("utf-8", "surrogatepass"))
    return said.hexdigest()
