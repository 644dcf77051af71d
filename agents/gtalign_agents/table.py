"""The table of agents: every one that a command can name."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from gtalign_agents.assistants import ASSISTANTS
from gtalign_agents.base import Agent
from gtalign_agents.repeated import REPEATED
from gtalign_agents.responses import responders
from gtalign_agents.users import USERS
from gtalign_env.core.policies import AssistantSeat, UserSeat
from gtalign_env.errors import ScenarioError, suggest


def collect(rows: Iterable[Agent]) -> dict[str, Agent]:
    """Return agents by name.

    Args:
        rows: The agents.

    Raises:
        ValueError: Two agents share a name.
    """
    table: dict[str, Agent] = {}
    for agent in rows:
        if agent.name in table:
            raise ValueError(f"an agent's name stands for one agent; {agent.name!r} is repeated")
        table[agent.name] = agent
    return table


def seated(seat: str) -> list[Agent]:
    """Return the agents that can sit in a seat of the conversation.

    Args:
        seat: ``user`` or ``assistant``.
    """
    return [row for row in AGENTS.values() if row.sits(seat) and "conversation" in row.traits.games]


def find_agent(name: str, seat: str) -> tuple[Agent, str | None]:
    """Return the agent that a name like ``patient`` or ``best_response@CQ`` stands for.

    Args:
        name: Name of a row, followed by ``@`` and an argument where the row takes one.
        seat: ``user`` or ``assistant``, at the conversation.

    Returns:
        The row, and the argument, None where there is none.

    Raises:
        ScenarioError: No such agent sits there, or it takes no argument.
    """
    base, at, argument = name.partition("@")
    known = [row.name for row in seated(seat)]
    if base not in known:
        raise ScenarioError(
            f"the {seat} is one of {', '.join(known)}; got {name!r}.{suggest(base, known)}"
        )
    agent = AGENTS[base]
    if at and not agent.argument:
        raise ScenarioError(f"{base!r} takes nothing after its name; got {name!r}")
    if at and not argument:
        raise ScenarioError(f"after {base}@ comes {agent.argument}; got nothing")
    return agent, argument or None


def user_agent(name: str) -> UserSeat:
    """Return a fresh user policy by name.

    Raises:
        ScenarioError: Unknown name, or an argument that the agent cannot use.
    """
    agent, argument = find_agent(name, "user")
    policy: UserSeat = agent.make() if argument is None else agent.make(argument)
    return policy


def assistant_agent(name: str) -> AssistantSeat:
    """Return a fresh assistant policy by name.

    Raises:
        ScenarioError: Unknown name, or an argument that the agent cannot use.
    """
    agent, argument = find_agent(name, "assistant")
    policy: AssistantSeat = agent.make() if argument is None else agent.make(argument)
    return policy


def _draws(name: str, seat: str) -> bool:
    return find_agent(name, seat)[0].traits.stochastic


AGENTS: dict[str, Agent] = collect(
    chain(USERS, ASSISTANTS, responders(user_agent, assistant_agent, _draws), REPEATED)
)
"""Every agent by name: users, assistants, and those of the repeated game."""
