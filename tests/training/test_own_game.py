"""A training on files of one's own: its folder keeps them, and every command needs the folder alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gtalign_env.errors import RunError, ScenarioError
from gtalign_env.scenario.loader import load_scenario, load_tasks
from gtalign_training.cli import main
from gtalign_training.grid.contenders import recipe_of_run
from gtalign_training.recipe import GameModel, Recipe, find_recipe, load_recipe
from gtalign_training.report.parts import Game
from gtalign_training.report.readers import read_folders
from gtalign_training.run_folder import RunFolder
from gtalign_training.runs.seats import (
    assistant_seat,
    is_stochastic,
    seat_name,
    training_of,
    user_seat,
)

PRICE = """\
schema: gtalign/pricing/1
name: night_rate
description: A price of one's own.
components:
  - kind: per_token
    rates: {input: 1.00, cached_input: 0.10, output: 5.00, reasoning: 5.00}
"""

RECIPE = """\
schema: gtalign/recipe/1
name: own-ppo
description: A small network on a game of one's own.
algorithm: ppo
game: {scenario: my_desk, pricing: [night_rate, subscription], tasks: my_tasks}
ppo: {steps: 20, environments: 2, horizon: 8, batch_size: 16, epochs: 1, hidden: 8}
"""


def call(*words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == code, done.output
    return done


def write_own(folder: Path) -> Path:
    """Write a scenario, a price, a task set and a recipe of one's own; return the recipe's file."""
    for kind in ("scenarios", "pricing", "tasks", "recipes"):
        (folder / kind).mkdir(parents=True)
    data = load_scenario("quick_question").to_data() | {"name": "my_desk", "pricing": "night_rate"}
    (folder / "scenarios" / "my_desk.yaml").write_text(json.dumps(data))
    (folder / "pricing" / "night_rate.yaml").write_text(PRICE)
    asked = load_tasks("general_knowledge").model_dump(mode="json", by_alias=True)
    asked |= {"name": "my_tasks", "questions": asked["questions"][:40], "more": None}
    (folder / "tasks" / "my_tasks.yaml").write_text(
        json.dumps({key: value for key, value in asked.items() if value is not None})
    )
    recipe = folder / "recipes" / "own-ppo.yaml"
    recipe.write_text(RECIPE)
    return recipe


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training whose own files are gone."""
    home = tmp_path_factory.mktemp("own")
    recipe = write_own(home / "my")
    told = call("train", str(recipe), "--out", str(home / "p"))
    assert "20 steps become 32: the fewest whole updates" in told.stderr
    (home / "my").rename(home / "moved")
    return home / "p"


def test_every_command_needs_the_folder_alone(trained: Path, tmp_path: Path) -> None:
    name = f"trained@{trained}"
    assert callable(assistant_seat(name))
    call("exploit", "quick_question", "--assistant", name)
    play = ("--episodes", "4", "--out", str(tmp_path / "e"), "--optimum", "never")
    call("evaluate", "quick_question", "--assistant", name, "--assistant", "CQ", *play)
    (folder,) = read_folders([trained])
    assert folder.problems == ()
    assert sum(isinstance(part, Game) for part in folder.parts) == 2
    kept = recipe_of_run(trained).game_files
    assert [one.name for one in kept.pricing] == ["night_rate", "subscription"]
    assert len(kept.tasks.questions) == 40  # its own task set, for whoever speaks
    shutil.copytree(trained, tmp_path / "again")
    call("compare", str(trained), str(tmp_path / "again"))


def test_going_on_compares_with_what_was_kept(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "p")
    shutil.copytree(trained.parent / "moved", tmp_path / "my")
    recipe = tmp_path / "my" / "recipes" / "own-ppo.yaml"
    again = ("train", str(recipe), "--out", str(tmp_path / "p"), "--resume")
    price = tmp_path / "my" / "pricing" / "night_rate.yaml"
    price.write_text(PRICE.replace("one's own", "other words"))  # words change nothing
    call(*again)
    price.write_text(PRICE.replace("output: 5.00", "output: 6.00"))
    assert "run on other scenario or pricing files" in call(*again, code=2).stderr
    price.write_text(PRICE)
    tasks = tmp_path / "my" / "tasks" / "my_tasks.yaml"
    asked = json.loads(tasks.read_text())
    tasks.write_text(json.dumps(asked | {"questions": asked["questions"][1:]}))
    assert "run on other tasks files" in call(*again, code=2).stderr


def test_a_folder_of_before_games_were_kept_works_by_names(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained, tmp_path / "old")
    (tmp_path / "old" / "game.json").unlink()
    with pytest.raises(ScenarioError, match="no scenario is named 'my_desk'"):
        assistant_seat(f"trained@{tmp_path / 'old'}")
    monkeypatch.setenv("GTALIGN_PATH", str(trained.parent / "moved"))
    assert callable(assistant_seat(f"trained@{tmp_path / 'old'}"))


def test_a_damaged_game_is_told(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "p")
    for text, said in (("{", "is damaged"), ("{}", "holds no game that can be read")):
        (tmp_path / "p" / "game.json").write_text(text)
        with pytest.raises(RunError, match=said):
            RunFolder(tmp_path / "p").game_files()


def test_a_copy_with_another_game_does_not_keep_the_files(tmp_path: Path) -> None:
    recipe = load_recipe(str(write_own(tmp_path / "my")))
    assert recipe.game_files.scenario.name == "my_desk"
    changed = recipe.changed({**recipe.plain(), "seed": 7})
    assert changed.game_files == recipe.game_files
    other = GameModel(scenario="upsell", pricing=("per_token",))
    assert recipe.model_copy(update={"game": other}).game_files.scenario.name == "upsell"
    with pytest.raises(RunError, match=r"evaluation\.seed: must differ from seed"):
        recipe.changed({**recipe.plain(), "seed": recipe.evaluation.seed})


def test_all_commands_tell_all_mistakes_of_a_recipe_alike(tmp_path: Path) -> None:
    own = write_own(tmp_path / "my")
    broken = tmp_path / "broken.yaml"
    broken.write_text(RECIPE.replace("subscription", "subscripton").replace("hidden", "hiden"))
    problems = call("validate", str(broken), code=2).stderr.splitlines()
    assert [line.split(": ")[1:3] for line in problems] == [
        [f"{broken}:2:7", "name"],
        [f"{broken}:5:18", "game.scenario"],
        [f"{broken}:5:37", "game.pricing[0]"],
        [f"{broken}:5:49", "game.pricing[1]"],
        [f"{broken}:5:70", "game.tasks"],
        [f"{broken}:6:74", "ppo.hiden"],
    ]
    for more in (("--dry-run",), ("--out", str(tmp_path / "p"))):
        assert call("train", str(broken), *more, code=2).stderr.splitlines() == problems
    ablation = ("ablation", str(broken), "--out", str(tmp_path / "a"))
    assert call(*ablation, code=2).stderr.splitlines() == problems
    # a broken file that it names speaks for itself, and --path is searched
    (tmp_path / "my" / "pricing" / "night_rate.yaml").write_text(PRICE.replace("1.00", "one"))
    elsewhere = tmp_path / "own-ppo.yaml"
    shutil.copy(own, elsewhere)
    told = call("train", str(elsewhere), "--path", str(tmp_path / "my"), "--dry-run", code=2).stderr
    assert "night_rate.yaml:6:20: components[0].rates.input: must be a number" in told
    (tmp_path / "my" / "pricing" / "night_rate.yaml").write_text(PRICE)
    call("train", str(elsewhere), "--path", str(tmp_path / "my"), "--dry-run")
    assert not (tmp_path / "p").exists()


def test_agents_of_a_self_play_recipe_are_checked(tmp_path: Path) -> None:
    data = load_recipe("tiny-selfplay").plain()
    data["selfplay"] |= {"user": "patiant", "assistant": "trained@nowhere"}
    file = tmp_path / "tiny-selfplay.yaml"
    file.write_text(json.dumps(data))
    told = call("train", str(file), "--dry-run", code=2).stderr
    assert "selfplay.user: " in told
    assert "Did you mean 'patient'?" in told
    assert "selfplay.assistant: nowhere does not exist" in told


def test_three_spellings_are_one_seat(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (str(trained), f"run:{trained}", f"trained@{trained}"):
        assert training_of(name) == trained
        assert seat_name(name) == f"trained@{trained}"
        assert callable(assistant_seat(name))
        assert is_stochastic(name, "assistant") is False
        assert callable(user_seat(f"best_response@{name}"))
    for name in ("CQ", "default@0.2", "replay@runs/words", "openai:http://127.0.0.1:1/v1#M"):
        assert training_of(name) is None
        assert seat_name(name) == name
    monkeypatch.chdir(tmp_path)
    Path("CQ").mkdir()
    assert training_of("CQ") is None  # the agent's name, whatever lies there
    shutil.copytree(trained, "mine")
    assert training_of("mine") == Path("mine")
    RunFolder(Path("played")).path.mkdir()
    Path("played", "events.jsonl").write_text("")
    for name, said in (
        ("played", "played holds no training that could take a seat: it is a run of gtalign run"),
        (".", "a folder of trainings, such as mine"),
        ("run:CQ", "an empty folder"),
        ("run:mien", "mien does not exist. Did you mean 'mine'?"),
        ("./mien", "Did you mean 'mine'?"),
    ):
        with pytest.raises(RunError) as caught:
            assistant_seat(name)
        assert said in str(caught.value)
    for name in ("run:", "trained@"):
        with pytest.raises(ScenarioError, match="comes a run folder"):
            assistant_seat(name)


def test_a_misspelled_folder_is_told(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "runs" / "oracle").mkdir(parents=True)
    wrong, right = tmp_path / "runs" / "orcle", tmp_path / "runs" / "oracle"
    assert f"Did you mean '{right}'?" in call("report", str(wrong), code=2).stderr
    far = tmp_path / "rnus" / "oracle"
    assert f"Did you mean '{right}'?" in call("report", str(far), code=2).stderr


def test_a_run_is_billed_by_its_own_price(trained: Path, tmp_path: Path) -> None:
    own = str(trained.parent / "moved")
    where = ("--path", own, "--episodes", "5", "--out", str(tmp_path / "r"))
    call("run", "my_desk", "--assistant", str(trained), *where)
    assert (
        json.loads((tmp_path / "r" / "run.json").read_text())["assistant"] == f"trained@{trained}"
    )
    bare = call("bill", str(tmp_path / "r"))
    then, now = (part.split(" USD")[0].split()[-1] for part in bare.stderr.split(", "))
    assert then == now
    by_name = call("bill", str(tmp_path / "r"), "--pricing", "night_rate")
    assert by_name.stdout == bare.stdout
    assert f"night_rate: as {tmp_path / 'r'} keeps it" in by_name.stderr.replace("\n", "")
    told = call("bill", str(tmp_path / "r" / "events.jsonl"), code=2).stderr
    assert "say by --pricing" in told


def test_short_names_of_moves_are_told(tmp_path: Path) -> None:
    legend = "VQ vague query, DQ definite query; DA direct answer, CQ clarifying question"
    assert legend in call("solve", "quick_question").stdout
    run = ("run", "quick_question", "--episodes", "3", "--out", str(tmp_path / "r"))
    assert legend in call(*run).stdout
    assert legend not in call(*run, "--resume", "--json").stdout
    assert legend not in call("solve", "prisoners_dilemma").stdout


def test_questions_are_found_in_search_folders(trained: Path, tmp_path: Path) -> None:
    words = ("run", "my_desk", "--words", "--tasks", "my_tasks", "--episodes", "2")
    folder = str(trained.parent / "moved")
    call(*words, "--path", folder, "--out", str(tmp_path / "r"))
    known = json.loads((tmp_path / "r" / "run.json").read_text())["words"]
    assert known["tasks"] == str(Path(folder) / "tasks" / "my_tasks.yaml")


def test_a_bound_recipe_is_written_as_names(tmp_path: Path) -> None:
    recipe = load_recipe(str(write_own(tmp_path / "my")))
    assert recipe.plain()["game"]["scenario"] == "my_desk"
    assert Recipe.model_validate(recipe.plain(), strict=False).plain() == recipe.plain()


def test_a_recipe_of_a_search_folder_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "recipes"
    folder.mkdir()
    text = find_recipe("strategic-ppo").read_text(encoding="utf-8")
    own = folder / "mine.yaml"
    own.write_text(text.replace("name: strategic-ppo", "name: mine"), encoding="utf-8")
    assert find_recipe("mine", path=[tmp_path]) == own
    assert load_recipe("mine", path=[tmp_path]).name == "mine"
    monkeypatch.setenv("GTALIGN_PATH", str(tmp_path))
    assert find_recipe("mine") == own
    with pytest.raises(RunError, match=r"Did you mean 'mine'\? Known: .*mine"):
        find_recipe("mne")
