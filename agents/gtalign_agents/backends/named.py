"""Models by name, as a command line gives them: ``openai:URL#MODEL``, ``local:PATH``, ``vllm:PATH``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from gtalign_agents.backends.local import LocalModel
from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_agents.backends.vllm_engine import VllmModel
from gtalign_env.errors import ScenarioError, suggest

OPENAI, LOCAL, VLLM = "openai:", "local:", "vllm:"
KINDS = (OPENAI, LOCAL, VLLM)
SPOKEN = "llm:"
"""May stand before each, where a seat is named."""

FORMS = "openai:http://HOST:PORT/v1#MODEL, local:PATH or vllm:PATH"

Named = OpenAIHttp | LocalModel | VllmModel


def is_model(name: str) -> bool:
    """Return whether a name stands for a language model rather than for an agent.

    Args:
        name: Who is to sit in a seat.

    Raises:
        ScenarioError: It looks like a model's, but its kind is unknown.
    """
    bare = name.removeprefix(SPOKEN)
    if bare.startswith(KINDS):
        return True
    if bare != name or "://" in name:
        kind = bare.partition(":")[0]
        raise ScenarioError(
            f"a model is {FORMS}; got {without_login(name)!r}."
            f"{suggest(kind, [one[:-1] for one in KINDS])}"
        )
    return False


def runs_here(name: str) -> bool:
    """Return whether a name stands for a model in this process, which nobody bills.

    Args:
        name: Who is to sit in a seat.
    """
    return name.removeprefix(SPOKEN).startswith((LOCAL, VLLM))


def model_of(name: str, **settings: Any) -> Named:
    """Return the model that a name stands for; nothing is asked or loaded yet.

    Args:
        name: ``openai:URL#MODEL``, ``local:PATH`` or ``vllm:PATH``, with or without ``llm:`` before
            it.
        settings: Of `OpenAIHttp`; a model in this process has no use for them.

    Raises:
        ScenarioError: It is no model's name, or its address cannot be one.
    """
    bare = name.removeprefix(SPOKEN)
    if bare.startswith(LOCAL) and bare != LOCAL:
        return LocalModel(bare.removeprefix(LOCAL))
    if bare.startswith(VLLM) and bare != VLLM:
        return VllmModel(bare.removeprefix(VLLM))
    address, _, model = bare.removeprefix(OPENAI).partition("#")
    parts = urlsplit(address)
    if not bare.startswith(OPENAI) or parts.scheme not in ("http", "https") or not model:
        raise ScenarioError(f"a model is {FORMS}; got {without_login(name)!r}")
    if "@" in parts.netloc or parts.query:
        raise ScenarioError(
            f"{without_login(name)!r}: an address holds no key, as it stands in every record; put "
            "the key into the environment variable OPENAI_API_KEY"
        )
    return OpenAIHttp(address.rstrip("/"), model, **settings)


def without_login(name: str) -> str:
    """Return a name with what stands before ``@`` or after ``?`` in its address left out.

    Args:
        name: Any text.
    """
    kind, slashes, rest = name.partition("://")
    if not slashes:
        return name
    place, hash_, model = rest.partition("#")
    host = place.rpartition("@")[2].partition("?")[0]
    return f"{kind}://{host}{hash_}{model}"
