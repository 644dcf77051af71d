"""The environments, registered with Gymnasium and PettingZoo under the same ids."""

from __future__ import annotations

import gymnasium
import pettingzoo

ENVS = {
    "gtalign/Conversation-v0": (
        "gtalign_env.envs.conversation:ConversationEnv",
        "gtalign_env.envs.conversation_aec:ConversationAEC",
    ),
    "gtalign/Dialogue-v0": (
        "gtalign_env.envs.dialogue:DialogueEnv",
        "gtalign_env.envs.dialogue_aec:DialogueAEC",
    ),
}
"""Per id: the entry point of the single-seat environment, and of the one with both seats."""


def register_envs() -> None:
    """Register every id in both registries; entry points stay unimported until they are made."""
    for env_id, (single, both) in ENVS.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(id=env_id, entry_point=single)
        if env_id not in pettingzoo.aec_registry:
            pettingzoo.register("aec", env_id, both)
