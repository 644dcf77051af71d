"""gtalign-env: priced, budgeted users with latent preferences play an assistant.

``import gtalign_env`` registers ``gtalign/Conversation-v0`` and ``gtalign/Dialogue-v0`` with
Gymnasium and PettingZoo. What a script needs most is importable from here, and loaded when first
asked for.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from gtalign_env.envs import register_envs
from gtalign_env.errors import suggest

try:
    __version__ = version("gtalign-env")
except PackageNotFoundError:  # a checkout that nobody installed
    __version__ = "0+unknown"

_EXPORTS = {
    "ConversationAEC": "gtalign_env.envs.conversation_aec",
    "ConversationEnv": "gtalign_env.envs.conversation",
    "DialogueAEC": "gtalign_env.envs.dialogue_aec",
    "DialogueEnv": "gtalign_env.envs.dialogue",
    "GameSpec": "gtalign_env.core.spec",
    "NormalFormGame": "gtalign_env.games.normal_form",
    "RepeatedGameEnv": "gtalign_env.envs.repeated_game",
    "Scenario": "gtalign_env.scenario.loader",
    "Utterance": "gtalign_env.envs.spaces",
    "Welfare": "gtalign_env.welfare",
    "bayes_oracle": "gtalign_env.core.oracle",
    "compile_scenario": "gtalign_env.scenario.compile",
    "load_scenario": "gtalign_env.scenario.loader",
    "normal_form": "gtalign_env.core.exact",
    "solve": "gtalign_env.games.solution",
}

__all__ = ["__version__", *sorted(_EXPORTS)]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(
        f"module 'gtalign_env' has no attribute {name!r}.{suggest(name, _EXPORTS)}"
    )


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])


register_envs()
