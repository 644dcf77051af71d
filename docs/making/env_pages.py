"""A page for each environment, in Farama's shape, from its classes: docstrings, spaces, arguments.

Facts first (how it is made, acts, agents, spaces), then description, arguments, observations,
acts, rewards, starting state, episode end, version history, and an episode that is really played.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import re
from typing import Any

import gymnasium
import pettingzoo
from making.tables import table

from gtalign_env.envs import ENVS, PARALLEL_ENVS, VECTOR_ENVS

SECTIONS = (
    "Description",
    "Arguments",
    "Observation Space",
    "Action Space",
    "Rewards",
    "Starting State",
    "Episode End",
    "Version History",
)
"""What every environment's docstring has, in the order of the page."""

SHARED = {
    "scenario": "Name, path, loaded `Scenario` or compiled `GameSpec`.",
    "pricing": "A regime, or several of which each episode plays one.",
}
"""What arguments mean whose docstring says no more than "as" another's."""

MORE = {
    "gtalign/Conversation-v0": (
        "Every entry of the observation, with its scale: [environments]"
        "(../environments.md#observations). The rules: [the game](../game.md). Opponents by name: "
        "[environments](../environments.md#opponents). Thousands at once: "
        "[vectorisation](../environments.md#vectorisation)."
    ),
    "gtalign/Dialogue-v0": (
        "How a text becomes a move: [in words](../environments.md#in-words-dialogue-v0). What a "
        "failed model does: [faults](../environments.md#faults). Your own questions: "
        "[task sets](../authoring.md#fields-task-set)."
    ),
    "gtalign/RepeatedGame-v0": (
        "Discounting, automata, tournaments, evolution and learning on this environment: "
        "[repeated games](../repeated.md)."
    ),
}
"""Where to read on."""

EPISODES = {
    "gtalign/Conversation-v0": """\
import gymnasium
import gtalign_env
from gtalign_env.core.moves import AssistantMove

env = gymnasium.make("gtalign/Conversation-v0", scenario="quick_question", render_mode="ansi")
observation, info = env.reset(seed=2)
move, over = AssistantMove.CQ, False  # ask once, then answer
while not over:
    observation, reward, terminated, truncated, info = env.step(move)
    move, over = AssistantMove.DA_STANDARD, terminated or truncated
print(env.render())
print(info["ending"], round(info["return"], 3))
""",
    "gtalign/Dialogue-v0": """\
import gymnasium
import gtalign_env

env = gymnasium.make("gtalign/Dialogue-v0", p_vague=1.0, render_mode="ansi")
observation, info = env.reset(seed=1)
observation, reward, terminated, truncated, info = env.step("Which one do you mean?")
print(observation["text"].splitlines()[-1], "|", round(reward, 3), info["reward_valid"])
observation, reward, terminated, truncated, info = env.step("It is in Georgia.")
print(env.render())
""",
    "gtalign/RepeatedGame-v0": """\
import pettingzoo
import gtalign_env

env = pettingzoo.make(
    "parallel", "gtalign/RepeatedGame-v0", game="prisoners_dilemma", rounds=3, render_mode="ansi"
)
observations, infos = env.reset(seed=0)
for acts in ((0, 0), (1, 0), (1, 1)):
    observations, rewards, terminations, truncations, infos = env.step(
        dict(zip(env.possible_agents, acts, strict=True))
    )
    print(acts, rewards)
print(env.render())
""",
}
"""An episode of each, which the page shows with what it prints."""


def page_name(env_id: str) -> str:
    """Return the name of an environment's page: ``gtalign/RepeatedGame-v0``, `repeated_game`."""
    bare = env_id.partition("/")[2].partition("-v")[0]
    return re.sub(r"(?<!^)(?=[A-Z])", "_", bare).lower()


def classes(env_id: str) -> dict[str, type]:
    """Return the classes behind an id, by the interface that makes them."""
    both = {**ENVS, **PARALLEL_ENVS}[env_id]
    names = ("Gymnasium", "PettingZoo AEC") if env_id in ENVS else ("PettingZoo parallel",)
    found = {}
    for name, entry in zip(names, both, strict=False):
        module, _, attribute = entry.partition(":")
        found[name] = getattr(importlib.import_module(module), attribute)
    return found


def sections(cls: type) -> dict[str, str]:
    """Return the sections of a class's docstring.

    Raises:
        ValueError: One of `SECTIONS` is missing.
    """
    doc = inspect.cleandoc(cls.__doc__ or "")
    parts = re.split(r"^## (.+)$", doc, flags=re.M)
    found = {parts[i]: parts[i + 1].strip() for i in range(1, len(parts), 2)}
    missing = [one for one in SECTIONS if one not in found]
    if missing:
        raise ValueError(f"{cls.__name__}: its docstring has no section {', '.join(missing)}")
    return {name: _markdown(text) for name, text in found.items()}


def _markdown(text: str) -> str:
    """Return a docstring's text with the literals of Markdown."""
    return text.replace("``", "`")


def described(text: str) -> dict[str, str]:
    """Return what an Arguments section says of each argument: ```name`: meaning. ...``."""
    flat = " ".join(text.split())
    starts = [*re.finditer(r"(?:^|(?<=\. )|(?<=\; ))((?:`\w+`(?:, | and )?)+): ", flat)]
    found = {}
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        meaning = flat[start.end() : following.start() if following else len(flat)].strip()
        for name in re.findall(r"`(\w+)`", start[1]):
            found[name] = meaning[:1].upper() + meaning[1:]
    return found


def arguments(env_id: str) -> list[tuple[str, ...]]:
    """Return the rows of an environment's arguments: name, who takes it, meaning, default.

    Raises:
        ValueError: No docstring says what an argument means.
    """
    found = classes(env_id)
    said: dict[str, str] = dict(SHARED)
    # an argument that another environment has too may be described there alone
    for cls in [*classes("gtalign/Conversation-v0").values(), *found.values()]:
        said_here = described(sections(cls)["Arguments"])
        said |= {name: what for name, what in said_here.items() if not what.startswith("As ")}
    defaults: dict[str, Any] = {}
    takers: dict[str, list[str]] = {}
    for interface, cls in found.items():
        for name, parameter in inspect.signature(cls).parameters.items():
            defaults[name] = parameter.default
            takers.setdefault(name, []).append(interface)
    silent = [name for name in defaults if name not in said]
    if silent:
        raise ValueError(f"{env_id}: no docstring says what {', '.join(silent)} means")
    return [
        (
            f"`{name}`",
            said[name],
            "" if len(found) == 1 else "both" if len(takers[name]) > 1 else takers[name][0],
            f"`{default!r}`".replace("'", '"'),
        )
        for name, default in defaults.items()
    ]


def made(env_id: str, interface: str) -> tuple[str, Any]:
    """Return how an environment is made, as a reader would write it, and the environment."""
    if interface == "Gymnasium":
        return f'gymnasium.make("{env_id}")', gymnasium.make(env_id).unwrapped
    kind = "aec" if interface == "PettingZoo AEC" else "parallel"
    env: Any = pettingzoo.make(kind, env_id)
    return f'pettingzoo.make("{kind}", "{env_id}")', env.unwrapped


def facts(env_id: str) -> str:
    """Return the table of facts."""
    rows: list[tuple[str, ...]] = []
    columns = classes(env_id)
    envs = {interface: made(env_id, interface) for interface in columns}

    def row(name: str, cells: list[str]) -> None:
        rows.append((f"**{name}**", *cells))

    row("creation", [f"`{how}`" for how, _ in envs.values()])
    row("class", [f"`{cls.__module__}.{cls.__name__}`" for cls in columns.values()])
    row(
        "agents",
        [
            ", ".join(f"`{one}`" for one in env.possible_agents)
            if hasattr(env, "possible_agents")
            else "one seat, `seat`; the other is `opponent`"
            for _, env in envs.values()
        ],
    )
    acts, seen = [], []
    for _, env in envs.values():
        if hasattr(env, "possible_agents"):
            agents = env.possible_agents
            acts.append(_spaces({one: env.action_space(one) for one in agents}))
            seen.append(_spaces({one: env.observation_space(one) for one in agents}))
        else:
            acts.append(f"`{env.action_space}` as assistant")
            seen.append(f"`{env.observation_space}`")
    row("acts", acts)
    row("observations", seen)
    modes = [env.metadata["render_modes"] for _, env in envs.values()]
    row("render modes", [", ".join(f"`{mode}`" for mode in of_one) for of_one in modes])
    if env_id in VECTOR_ENVS:
        many = f'`gymnasium.make_vec("{env_id}", num_envs=…)`'
        row("many at once", [many, *[""] * (len(envs) - 1)])
    elif env_id in PARALLEL_ENVS:
        row("in turns", [f'`pettingzoo.make("aec", "{env_id}")`'])
    return table(("", *columns), rows)


def _spaces(by_agent: dict[str, Any]) -> str:
    shown = {agent: f"`{space}`" for agent, space in by_agent.items()}
    if len(set(shown.values())) == 1:
        return next(iter(shown.values()))
    return "; ".join(f"{agent}: {space}" for agent, space in shown.items())


def printed(code: str) -> str:
    """Return what a program prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "<page>", "exec"), {"__name__": "__main__"})
    return out.getvalue().strip("\n")


def env_page(env_id: str) -> str:
    """Return the page of an environment."""
    columns = classes(env_id)
    main = list(columns.values())[-1]
    said = sections(main)
    lines = [
        f"# {env_id.partition('/')[2]}",
        "",
        _markdown((main.__doc__ or "").split("\n")[0]),
        "",
    ]
    lines += [facts(env_id), ""]
    for name in SECTIONS:
        lines += [f"## {name}", ""]
        if name == "Arguments":
            head = ("argument", "meaning", "of", "default")
            lines += [table(head, arguments(env_id)), ""]
            continue
        lines += [said[name], ""]
        for interface, cls in columns.items():
            other = sections(cls)[name]
            if cls is not main and other != said[name] and name != "Description":
                lines += [f"**{interface}.** {other}", ""]
        if name == "Description":
            lines += [MORE[env_id], ""]
    code = EPISODES[env_id]
    lines += ["## An episode", "", f"```python\n{code}```", "", f"```text\n{printed(code)}\n```"]
    return "\n".join(lines) + "\n"
