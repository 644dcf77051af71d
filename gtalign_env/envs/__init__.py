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

VECTOR_ENVS = {
    "gtalign/Conversation-v0": "gtalign_env.envs.vector:ConversationVectorEnv",
    "gtalign/Dialogue-v0": "gtalign_env.envs.vector_dialogue:DialogueVectorEnv",
}
"""Per id: the entry point of its own vector environment."""

PARALLEL_ENVS = {
    "gtalign/RepeatedGame-v0": (
        "gtalign_env.envs.repeated_game:RepeatedGameEnv",
        "gtalign_env.envs.repeated_game:raw_env",
    ),
}
"""Per id: the entry point where both seats move at once, and of the same with turns."""


def register_envs() -> None:
    """Register every id where it can be made; entry points stay unimported until they are."""
    for env_id, (single, both) in ENVS.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(
                id=env_id, entry_point=single, vector_entry_point=VECTOR_ENVS.get(env_id)
            )
        if env_id not in pettingzoo.aec_registry:
            pettingzoo.register("aec", env_id, both)
    for env_id, (parallel, in_turn) in PARALLEL_ENVS.items():
        if env_id not in pettingzoo.parallel_registry:
            pettingzoo.register("parallel", env_id, parallel)
        if env_id not in pettingzoo.aec_registry:
            pettingzoo.register("aec", env_id, in_turn)
