"""The hooks of this package's own environments."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gtalign_env.core.moves import Ending
from gtalign_env.core.policies import random_assistant, random_user
from gtalign_env.draws import Seat
from gtalign_env.envs.checks.hooks import BillLine, Hooks
from gtalign_env.envs.seated import AGENTS, SeatedEnv
from gtalign_env.persona import UserType


def conversation_hooks(twin: Callable[[], Any] | None = None) -> Hooks:
    """Return the hooks of every environment of this package, and of wrappers that pay its rewards.

    Args:
        twin: Makes the same environment around another user in the same style, if the hidden
            fields are to be tested that way; rich enough that neither goes broke.
    """
    return Hooks(
        act=_act,
        limit=lambda env: env.conversation.state.ending is Ending.TRUNCATED,
        ends_together=True,
        options=[({"episode": n}, _plays(n)) for n in (0, 3)],
        returns=_returns,
        budget_left=lambda env: env.conversation.who.budget - env.conversation.state.charged,
        bill=_bill,
        charged=lambda env: env.conversation.state.charged,
        twin=twin,
        hidden=lambda env: env.conversation.who,
        secrets=_secrets,
        blind=(AGENTS[Seat.ASSISTANT],),
    )


def _plays(episode: int) -> Callable[[Any], bool]:
    return lambda env: env.conversation.draws.episode == episode


def _act(env: Any, agent: str, observation: Any, mask: Any, rng: random.Random) -> Any:
    """Return a random legal act, worded where the environment is one of words."""
    conversation = env.conversation
    if conversation.state.ending is not None:  # over before the first move: any act reports it
        return "" if hasattr(env, "talk") else 0
    if conversation.state.to_move is Seat.USER:
        move = random_user(conversation.user_view(), rng.random())
        return env.talk.word_user(move) if hasattr(env, "talk") else int(move)
    answer = random_assistant(conversation.assistant_view(), rng.random())
    return env.talk.word_assistant(answer) if hasattr(env, "talk") else int(answer)


def _returns(env: Any) -> Mapping[str, float]:
    conversation = env.conversation
    if conversation.state.ending is Ending.FAULT:
        return {}
    if isinstance(env, SeatedEnv):
        return dict(zip(AGENTS, conversation.returns, strict=True))
    if env.reward == "joint":
        return {"agent": conversation.spec.welfare(*conversation.returns)}
    return {"agent": conversation.returns[env.seat]}


def _bill(env: Any) -> Iterator[BillLine]:
    for line in env.conversation.ledger.lines:
        kind = "fee" if line.usage is None else "exchange"
        yield BillLine((kind, line.exchange), line.account.name.lower(), line.amount)


def _secrets(env: Any) -> Iterator[str]:
    """Yield the user's fields as they are written, those with few digits left out."""
    for field in UserType._fields:
        written = f"{getattr(env.conversation.who, field)!r}"
        if sum(map(str.isdigit, written)) >= 6:
            yield written
