"""`gtalign check`: does an environment keep the contract?"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from gtalign_env.errors import ScenarioError, suggest
from gtalign_training.commands.options import Json
from gtalign_training.console import err, out, print_json, safe

EXAMPLES = (
    "gtalign check gtalign/Conversation-v0",
    "gtalign check gtalign/Dialogue-v0 --with scenario=upsell --interface aec",
    "gtalign check CartPole-v1 --episodes 20 --json",
    "gtalign check classic/rps-v2 --no-chance",
)

INTERFACES = ("gymnasium", "aec", "parallel")


def check(
    env: Annotated[str, typer.Argument(help="Id, as it is registered; module:id imports first.")],
    interface: Annotated[
        str | None,
        typer.Option(help="gymnasium, aec or parallel; left out: all that it is registered for."),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME=VALUE", help="Argument of the environment."),
    ] = None,
    episodes: Annotated[int, typer.Option(min=3, help="Episodes to record.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the first one.")] = 0,
    max_steps: Annotated[int, typer.Option(min=1, help="Most steps of an episode.")] = 1_000,
    chance: Annotated[
        bool | None,
        typer.Option(
            "--chance/--no-chance",
            help="Whether another seed must differ; left out: as its metadata say, else yes.",
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Rule not held against it; repeatable.")
    ] = None,
    json: Json = False,
) -> None:
    """Play an environment and tell which rules of the contract it breaks.

    Any Gymnasium or PettingZoo environment. Exit code 2 if a rule is broken.
    """
    from gtalign_env.envs.checks import RULES, Report, check_rollouts
    from gtalign_env.envs.checks.rules import UNREPEATED

    kwargs = dict(map(_argument, given or ()))
    reports: dict[str, Report] = {}
    for kind in _interfaces(env, interface):
        make = _maker(kind, env, kwargs)
        with err().status(f"{kind}: making it") as status:  # nothing where it is no terminal
            reports[kind] = check_rollouts(
                make,
                episodes=episodes,
                seed=seed,
                max_steps=max_steps,
                hooks=_hooks(make),
                chance=chance,
                ignore=_rules(ignore or ()),
                raises=False,
                on_stage=lambda stage, kind=kind: status.update(f"{kind}: {stage}"),  # type: ignore[misc]  # a lambda's default
            )
        if not json:
            _print(kind, reports[kind], said={"does not apply here", UNREPEATED})
    if json:
        print_json([_as_data(kind, report, RULES) for kind, report in reports.items()])
    if not all(report.ok for report in reports.values()):
        raise typer.Exit(2)


def _argument(text: str) -> tuple[str, Any]:
    import yaml

    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise ScenarioError(f"--with takes NAME=VALUE, such as scenario=upsell; got {text!r}")
    return name, yaml.safe_load(value)


def _rules(names: Any) -> list[str]:
    from gtalign_env.envs.checks.rules import known_rules

    try:
        return sorted(known_rules(names))
    except ValueError as error:
        raise ScenarioError(f"--ignore: {error}") from error


def _registries() -> dict[str, Any]:
    import gymnasium
    import pettingzoo

    import gtalign_env  # noqa: F401  # registers the ids

    return dict(
        zip(
            INTERFACES,
            (gymnasium.registry, pettingzoo.aec_registry, pettingzoo.parallel_registry),
            strict=True,
        )
    )


def _interfaces(env: str, interface: str | None) -> list[str]:
    """Return the interfaces to check an id through.

    As with ``python -m``, a module is looked for in the current folder first.

    Raises:
        ScenarioError: There is no such interface, or the id is not registered for it.
    """
    import importlib

    if interface is not None and interface not in INTERFACES:
        known = ", ".join(INTERFACES)
        raise ScenarioError(
            f"--interface is one of {known}; got {interface!r}.{suggest(interface, INTERFACES)}"
        )
    module, colon, plain = env.rpartition(":")
    if colon:
        if (here := str(Path.cwd())) not in sys.path:
            sys.path.insert(0, here)  # the check's other processes take this path over
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ScenarioError(
                f"{env!r}: cannot import {module!r}: {error}. It is looked for in the current "
                "folder and among what is installed; PYTHONPATH=FOLDER adds a folder"
            ) from error
    registries = _registries()
    wanted = [interface] if interface else list(INTERFACES)
    found = [kind for kind in wanted if plain in registries[kind]]
    if not found:
        ids = [name for kind in wanted for name in registries[kind]]
        raise ScenarioError(
            f"no environment {plain!r} for {' or '.join(wanted)}.{suggest(plain, ids)} "
            "One of another package is named module:id"
        )
    return found


def _maker(kind: str, env: str, kwargs: dict[str, Any]) -> Any:
    module, colon, plain = env.rpartition(":")
    return partial(_make, kind, module if colon else None, plain, kwargs)


def _make(kind: str, module: str | None, env: str, kwargs: dict[str, Any]) -> Any:
    """Return a fresh environment, also in another process."""
    import importlib

    import gymnasium
    import pettingzoo

    if module is not None:
        importlib.import_module(module)
    if kind == "gymnasium":
        return gymnasium.make(env, **kwargs)
    return pettingzoo.make(kind, env, **kwargs)


def _hooks(make: Any) -> Any:
    import gymnasium
    from pettingzoo.env_registry.exceptions import PettingZooRegistryError

    from gtalign_env.envs.checks import Hooks, conversation_hooks
    from gtalign_env.envs.seated import SeatedEnv
    from gtalign_env.envs.single import SingleSeatEnv

    try:
        bare = make().unwrapped
    except (TypeError, ImportError, gymnasium.error.Error, PettingZooRegistryError) as error:
        # an argument that it does not take, or a library that it needs
        raise ScenarioError(f"the environment cannot be made: {error}") from error
    return conversation_hooks() if isinstance(bare, SeatedEnv | SingleSeatEnv) else Hooks()


def _print(kind: str, report: Any, said: set[str]) -> None:
    style = "green" if report.ok else "bold red"
    head, *broken = str(report).splitlines()
    line = Text(f"{kind}: ", style=style).append_text(safe(head))
    out().print(line, soft_wrap=True)
    for text in broken:
        out().print(safe(text), soft_wrap=True)
    for rule, why in report.not_checked.items():
        if why not in said:
            out().print(safe(f"  not checked: {rule}: {why}", style="dim"), soft_wrap=True)


def _as_data(kind: str, report: Any, rules: dict[str, str]) -> dict[str, Any]:
    return {
        "name": report.name,
        "interface": kind,
        "ok": report.ok,
        "episodes": report.episodes,
        "steps": report.steps,
        "checked": list(report.checked),
        "not_checked": dict(report.not_checked),
        "violations": [
            {
                "rule": one.rule,
                "must_hold": rules[one.rule],
                "where": one.where,
                "message": one.message,
                "times": one.times,
            }
            for one in report.violations
        ],
    }
