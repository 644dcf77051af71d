"""The pages of the Python interface: which modules are public, by what they are for."""

from __future__ import annotations

PAGES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "game": (
        "The game",
        "From a scenario to numbers, one conversation under way, exact payoffs and the optimum.",
        (
            "gtalign_env.core.spec",
            "gtalign_env.core.moves",
            "gtalign_env.core.conversation",
            "gtalign_env.core.views",
            "gtalign_env.core.policies",
            "gtalign_env.core.exact",
            "gtalign_env.core.oracle",
            "gtalign_env.core.play_out",
            "gtalign_env.core.best_response",
            "gtalign_env.core.exploitability",
            "gtalign_env.core.question_value",
            "gtalign_env.core.ledger",
        ),
    ),
    "authoring": (
        "Scenarios, prices, welfare",
        "Loading authored files, and what they become.",
        (
            "gtalign_env.scenario.loader",
            "gtalign_env.scenario.library",
            "gtalign_env.scenario.compile",
            "gtalign_env.persona",
            "gtalign_env.pricing",
            "gtalign_env.welfare",
            "gtalign_env.distributions",
            "gtalign_env.money",
            "gtalign_env.errors",
        ),
    ),
    "environments": (
        "Environments",
        "Classes behind the ids, spaces, wrappers, transcripts and the contract.",
        (
            "gtalign_env.envs.conversation",
            "gtalign_env.envs.conversation_aec",
            "gtalign_env.envs.dialogue",
            "gtalign_env.envs.dialogue_aec",
            "gtalign_env.envs.repeated_game",
            "gtalign_env.envs.vector",
            "gtalign_env.envs.vector_dialogue",
            "gtalign_env.envs.spaces",
            "gtalign_env.envs.wrappers",
            "gtalign_env.envs.transcript",
            "gtalign_env.envs.checks",
        ),
    ),
    "games": (
        "Matrix games",
        "Equilibria, dilemmas, repeated play, learning, evolution and empirical games.",
        (
            "gtalign_env.games.normal_form",
            "gtalign_env.games.solution",
            "gtalign_env.games.nash",
            "gtalign_env.games.concepts",
            "gtalign_env.games.correlated",
            "gtalign_env.games.stackelberg",
            "gtalign_env.games.quantal",
            "gtalign_env.games.dilemma",
            "gtalign_env.games.dilemma_meter",
            "gtalign_env.games.repeated",
            "gtalign_env.games.folk",
            "gtalign_env.games.bargaining",
            "gtalign_env.games.dynamics",
            "gtalign_env.games.learning",
            "gtalign_env.games.empirical",
            "gtalign_env.games.batch",
        ),
    ),
    "agents": (
        "Agents",
        "Who can sit in a seat, how models are asked, how texts are judged.",
        (
            "gtalign_agents.base",
            "gtalign_agents.table",
            "gtalign_agents.adapters",
            "gtalign_agents.fourblock",
            "gtalign_agents.steering",
            "gtalign_agents.text_welfare",
            "gtalign_agents.judging.verdict",
            "gtalign_agents.judging.rules",
            "gtalign_agents.judging.language",
            "gtalign_agents.backends.chat",
        ),
    ),
    "training": (
        "Training and runs",
        "Recipes, the trainers' entry, runs of many conversations, studies.",
        (
            "gtalign_training.recipe",
            "gtalign_training.pipeline",
            "gtalign_training.run_folder",
            "gtalign_training.runs.run",
            "gtalign_training.runs.folder",
            "gtalign_training.egta.profiles",
            "gtalign_training.repeated.tournament",
            "gtalign_training.studies.sweep",
            "gtalign_training.studies.design",
        ),
    ),
}
"""Per page: its title, what it is about, and its modules."""


def api_page(name: str) -> str:
    """Return a page of the Python interface."""
    title, about, modules = PAGES[name]
    lines = [f"# {title}", "", about, ""]
    for module in modules:
        lines += [f"## {module}", "", "```{eval-rst}"]
        lines += [f".. automodule:: {module}", "   :members:", "```", ""]
    return "\n".join(lines)


def api_index() -> str:
    """Return the page that leads to the others."""
    lines = [
        "# Python interface",
        "",
        "What a program may rely on, from the docstrings. What a script needs most is importable from",
        "`gtalign_env` itself: `load_scenario`, `compile_scenario`, `normal_form`, `solve`, `bayes_oracle`.",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| [{title}](api/{name}.md) | {about} |" for name, (title, about, _) in PAGES.items()),
        "",
        "```{toctree}",
        ":hidden:",
        "",
        *(f"api/{name}" for name in PAGES),
        "```",
        "",
    ]
    return "\n".join(lines)
