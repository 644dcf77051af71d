"""`Scenario`: a scenario with every name resolved, frozen and hashed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from gtalign_env.scenario.fields import authored
from gtalign_env.scenario.schema import PersonaFile, PricingFile, ProviderModel, TaskModel
from gtalign_env.scenario.welfare_schema import WelfareModel

_SCHEMA = frozenset({"schema"})  # a part of a file has no schema line of its own
_WORDS = _SCHEMA | {"description", "tags"}  # say nothing about how the game is played


@dataclass(frozen=True)
class Scenario:
    """One game as its author described it, complete in itself.

    Attributes:
        name: Its name.
        description: What it is for.
        tags: Words to find it by.
        version: Raised when its numbers change.
        population: Pairs of weight and persona; weights sum to 1.
        schedule: Pairs of first conversation and regime, ascending, from 0.
        provider: What an answer costs the provider, and what it cares for.
        task: What is asked.
        max_exchanges: Limit per conversation, exchanges.
        welfare: The joint welfare.
    """

    name: str
    description: str
    tags: tuple[str, ...]
    version: int
    population: tuple[tuple[float, PersonaFile], ...]
    schedule: tuple[tuple[int, PricingFile], ...]
    provider: ProviderModel
    task: TaskModel
    max_exchanges: int
    welfare: WelfareModel

    @property
    def persona_names(self) -> tuple[str, ...]:
        """Names of the personas, in the order of the mixture."""
        return tuple(persona.name for _, persona in self.population)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of everything but descriptions and tags, hexadecimal."""
        content = {
            "name": self.name,
            "version": self.version,
            "population": [[weight, _plain(who, _WORDS)] for weight, who in self.population],
            "schedule": [[start, _plain(what, _WORDS)] for start, what in self.schedule],
            "provider": _plain(self.provider),
            "task": _plain(self.task),
            "max_exchanges": self.max_exchanges,
            "welfare": _plain(self.welfare),
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def pricing_at(self, conversation: int) -> PricingFile:
        """Return the regime of a conversation.

        Args:
            conversation: Its index, from 0.
        """
        return [pricing for start, pricing in self.schedule if start <= conversation][-1]

    def with_pricing(self, pricing: PricingFile) -> Scenario:
        """Return this scenario under one regime throughout; the name stays, the digest changes.

        Whether any exchange fits the budget is not asked again: a study may well raise a price
        to where nobody can pay it.
        """
        return dataclasses.replace(self, schedule=((0, pricing),))

    def to_data(self) -> dict[str, Any]:
        """Return it as one scenario file with everything written out, as plain data.

        Reading the data back gives an equal scenario, in any place, without the library.
        """
        return {
            "schema": "gtalign/scenario/1",
            "name": self.name,
            "description": self.description,
            "version": self.version,
            "tags": list(self.tags),
            "persona": [
                {"persona": _plain(who, _SCHEMA), "weight": weight}
                for weight, who in self.population
            ],
            "pricing": [
                {"from_conversation": start, "pricing": _plain(what, _SCHEMA)}
                for start, what in self.schedule
            ],
            "provider": _plain(self.provider),
            "task": _plain(self.task),
            "max_exchanges": self.max_exchanges,
            "welfare": _plain(self.welfare),
        }


def _plain(model: BaseModel, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    return {key: value for key, value in authored(model).items() if key not in without}
