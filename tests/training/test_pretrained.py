"""Any Hugging Face model in the tiny one's place: loaded, adapted, trained, saved, loaded again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gtalign_env.errors import MissingExtraError, RunError
from gtalign_training import pipeline
from gtalign_training.cli import main
from gtalign_training.commands.train import with_options
from gtalign_training.game import training_table
from gtalign_training.language import models
from gtalign_training.language.chat import ChatTokens
from gtalign_training.language.models import load_assistant, new_assistant
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.run_folder import RunFolder, write_json

from .conftest import small_recipe

pytestmark = [  # from inside the trainers; nothing that a caller could change
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    recipe = small_recipe()
    model, tokenizer = new_assistant(recipe, training_table(recipe).specs)
    model.save_pretrained(str(tmp_path / "base"))
    tokenizer.save_pretrained(str(tmp_path / "base"))
    return tmp_path / "base"


@pytest.mark.parametrize("lora", [None, {"rank": 4, "alpha": 8}])
def test_a_saved_model_is_trained_and_loads_as_a_whole(
    tmp_path: Path, saved: Path, lora: dict[str, int] | None
) -> None:
    model = {"kind": "pretrained", "path": str(saved), "lora": lora}
    recipe = small_recipe(model=model, sft={"steps": 6}, grpo={"steps": 2})
    folder = pipeline.run(recipe, tmp_path / "run")
    trained = load_assistant(folder / "model")
    before = load_assistant(saved).model.state_dict()
    after = trained.model.state_dict()
    assert before.keys() == after.keys()  # adapters are folded in
    assert any(bool((before[key] != after[key]).any()) for key in before)


def test_what_is_no_model_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="must be a folder or a name that transformers can load"):
        load_assistant(tmp_path / "nothing")


def test_a_truncated_model_is_refused(saved: Path) -> None:
    weights = saved / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(RunError, match="transformers can load; it says"):
        load_assistant(saved)


def test_a_tokenizer_without_chat_format_is_refused(saved: Path) -> None:
    tokenizer = load_assistant(saved).tokenizer
    tokenizer.chat_template = None
    with pytest.raises(ValueError, match="needs a chat template and an end-of-text token"):
        ChatTokens(tokenizer)


def test_a_template_that_rewrites_history_is_refused(saved: Path) -> None:
    tokenizer = load_assistant(saved).tokenizer
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['content'] if loop.last else m['content'][:3] }}{% endfor %}"
    )
    with pytest.raises(ValueError, match="rewrites earlier answers"):
        ChatTokens(tokenizer)


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "gtalign-env\[train\]"'):
        pipeline.run(small_recipe(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_libraries_print_is_no_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def talking(recipe: Recipe, out: Path, **options: Any) -> RunFolder:
        print("DeepSpeed tells something")  # noqa: T201
        write_json(tmp_path / "evaluation.json", {"rows": []})
        return RunFolder(tmp_path)

    monkeypatch.setattr(pipeline, "run", talking)
    done = CliRunner().invoke(main, ["train", "tiny-grpo", "--out", str(tmp_path), "--json"])
    assert json.loads(done.stdout) == {"rows": []}
    assert "DeepSpeed tells something" in done.stderr


def test_the_command_line_changes_a_recipe() -> None:
    recipe = with_options(load_recipe("tiny-grpo"), 7, "some/model", "user_only", 3)
    assert (recipe.seed, recipe.reward, recipe.grpo.steps) == (7, "user_only", 3)
    assert recipe.model.kind == "pretrained"
    with pytest.raises(RunError, match=r"a reward is one of .*Did you mean 'user_only'"):
        with_options(recipe, reward="user_onyl")
