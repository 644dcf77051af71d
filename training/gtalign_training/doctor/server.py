"""What a model server can do, as findings of `gtalign doctor`."""

from __future__ import annotations

from collections.abc import Iterator

from gtalign_agents.backends.named import OPENAI, model_of
from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_agents.backends.probe import probe
from gtalign_env.errors import ScenarioError
from gtalign_training.doctor import Finding, Status

NEEDED = "answers"
"""What a server must be able to do; without the rest less can be done with it."""


def examine_server(name: str, deadline: float) -> Iterator[Finding]:
    """Yield what a model server can do, and what to do about what it cannot.

    Args:
        name: ``URL#MODEL``, with or without ``openai:`` before it.
        deadline: Longest time of one call, seconds.

    Raises:
        ScenarioError: It is no server's name.
        MissingExtraError: httpx is not installed.
    """
    full = name if name.startswith(OPENAI) or "://" not in name else f"{OPENAI}{name}"
    model = model_of(full, deadline=deadline, attempts=1)
    if not isinstance(model, OpenAIHttp):
        raise ScenarioError(f"--server is for a server, http://HOST:PORT/v1#MODEL; got {name!r}")
    for ability in probe(model):
        lacking: Status = "problem" if ability.name == NEEDED else "note"
        status: Status = "ok" if ability.holds else lacking
        yield Finding(ability.name, status, ability.detail, ability.fix)
