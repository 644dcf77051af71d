"""Resolve the names in a scenario file, and assemble the scenario."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.feasibility import unaffordable
from gtalign_env.scenario.fields import NAME_PATTERN
from gtalign_env.scenario.library import find
from gtalign_env.scenario.reading import check_file, load_one
from gtalign_env.scenario.resolved import Scenario
from gtalign_env.scenario.schema import (
    InlinePersona,
    InlinePricing,
    PersonaFile,
    PricingFile,
    ScenarioFile,
)
from gtalign_env.scenario.yaml_reader import Document, Key, Problem, field_path, problems_error


def build_scenario(
    document: Document, stem: str | None, roots: Sequence[Path]
) -> tuple[ScenarioFile, Scenario]:
    """Return the file's model, and the scenario that it becomes when all names are resolved.

    Args:
        document: What was read.
        stem: Name of the file, which must be the scenario's; None for data that is no file.
        roots: Search folders for the names in it.

    Raises:
        ScenarioError: Lists everything wrong with it and with the files it names.
    """
    references = _References(document, roots)
    problems = references.problems
    authored = check_file(ScenarioFile, "scenario", document, stem, problems)
    references.resolve()
    if authored is not None and not problems and not references.foreign:
        scenario = _assemble(authored, references)
        _check_scenario(scenario, authored, document, problems)
        if not problems:
            return authored, scenario
    own = [str(problems_error(document.source, problems))] if problems else []
    raise ScenarioError("\n".join([*own, *references.foreign]))


@dataclass
class _References:
    """The personas and regimes that a scenario names, and what is wrong with them."""

    document: Document
    roots: Sequence[Path]
    problems: list[Problem] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)  # error texts of other files
    personas: dict[str, PersonaFile] = field(default_factory=dict)
    pricings: dict[str, PricingFile] = field(default_factory=dict)

    def resolve(self) -> None:
        """Load every name, whether or not the rest of the scenario is valid."""
        for path, kind, name in _names_in(self.document.data):
            if name in (self.personas if kind == "persona" else self.pricings):
                continue
            try:
                file = find(kind, name, self.roots)
            except ScenarioError as error:
                position = self.document.locate(path)
                self.problems.append(Problem(position, field_path(path), str(error)))
                continue
            try:
                if kind == "persona":
                    self.personas[name] = load_one(PersonaFile, kind, file, self.roots)
                else:
                    self.pricings[name] = load_one(PricingFile, kind, file, self.roots)
            except ScenarioError as error:
                if str(error) not in self.foreign:
                    self.foreign.append(str(error))

    def persona(self, ref: str | InlinePersona, index: int | None) -> PersonaFile:
        """Return the persona meant, one written in place with a name of its own."""
        if isinstance(ref, str):
            return self.personas[ref]
        return PersonaFile(**_parts(ref, index))

    def pricing(self, ref: str | InlinePricing, index: int | None) -> PricingFile:
        """Return the regime meant, one written in place with a name of its own."""
        if isinstance(ref, str):
            return self.pricings[ref]
        return PricingFile(**_parts(ref, index))


def _parts(inline: InlinePersona | InlinePricing, index: int | None) -> dict[str, Any]:
    """Return the fields of what was written in place; unnamed ones in a list are numbered."""
    parts = {name: getattr(inline, name) for name in type(inline).model_fields}
    if index is not None and "name" not in inline.model_fields_set:
        parts["name"] = f"inline_{index}"
    return parts


def _names_in(data: Any) -> Iterator[tuple[Key, str, str]]:
    """Yield path, kind and name of every well-formed reference in a scenario's raw data."""
    for kind in ("persona", "pricing"):
        value = data.get(kind)
        named: list[tuple[Key, Any]] = [((kind,), value)]
        if isinstance(value, list):
            parts = [(i, part) for i, part in enumerate(value) if isinstance(part, dict)]
            named = [((kind, i, kind), part.get(kind)) for i, part in parts]
        for path, name in named:
            # A malformed name is for the schema to report.
            if isinstance(name, str) and len(name) <= 64 and re.fullmatch(NAME_PATTERN, name):
                yield path, kind, name


def _assemble(authored: ScenarioFile, references: _References) -> Scenario:
    """Return the scenario of a valid file whose names are all known."""
    if isinstance(authored.persona, tuple):
        total = math.fsum(share.weight for share in authored.persona)
        population = tuple(
            (share.weight / total, references.persona(share.persona, i))
            for i, share in enumerate(authored.persona)
        )
    else:
        population = ((1.0, references.persona(authored.persona, None)),)
    if isinstance(authored.pricing, tuple):
        schedule = tuple(
            (step.from_conversation, references.pricing(step.pricing, i))
            for i, step in enumerate(authored.pricing)
        )
    else:
        schedule = ((0, references.pricing(authored.pricing, None)),)
    return Scenario(
        name=authored.name,
        description=authored.description,
        tags=authored.tags,
        version=authored.version,
        population=population,
        schedule=schedule,
        provider=authored.provider,
        task=authored.task,
        max_exchanges=authored.max_exchanges,
        welfare=authored.welfare,
    )


def _check_scenario(
    scenario: Scenario, authored: ScenarioFile, document: Document, problems: list[Problem]
) -> None:
    """Append what only shows once names are resolved."""
    several = isinstance(authored.persona, tuple)
    names = scenario.persona_names
    for i, (_, persona) in enumerate(scenario.population):
        path: Key = ("persona", i, "persona") if several else ("persona",)
        messages = []
        if names[i] in names[:i]:
            messages.append(f"a persona may stand once; {names[i]!r} is repeated: add the weights")
        reasons = (unaffordable(persona, p, scenario.task) for _, p in scenario.schedule)
        messages += [reason for reason in reasons if reason]
        position = document.locate(path)
        problems += [Problem(position, field_path(path), message) for message in messages]
