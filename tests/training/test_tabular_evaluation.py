from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.core.moves import AssistantMove
from gtalign_env.core.oracle import bayes_oracle
from gtalign_env.envs.conversation import ConversationEnv
from gtalign_env.envs.observe import Array, assistant_observation
from gtalign_env.envs.table import Table
from gtalign_env.errors import RunError
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.recipe.strategic import PpoModel
from gtalign_training.run_folder import RunFolder
from gtalign_training.tabular import evaluate_network, train_network
from gtalign_training.tabular.evaluation import evaluate_shares, public_view
from gtalign_training.tabular.model import damage

UNIFORM = np.full(len(AssistantMove), 1 / len(AssistantMove))


def short(**changes: Any) -> Recipe:
    """Return a recipe of one update of 128 steps."""
    small: dict[str, Any] = {
        "steps": 128,
        "environments": 4,
        "horizon": 32,
        "batch_size": 64,
        "epochs": 2,
        "hidden": 16,
    }
    return load_recipe("strategic-ppo").model_copy(update={"ppo": PpoModel(**{**small, **changes})})


def folder(path: Path, made_from: Recipe) -> RunFolder:
    return RunFolder.open(path, made_from, [], resume=False)


@pytest.mark.parametrize(
    ("scenario", "pricing"),
    [
        ("help_desk", ("reasoning_api", "subscription", "reasoning_free_questions")),
        ("quick_question", ("per_token", "per_message", "outcome_based")),
        ("guided_homework", ("free_questions",)),
    ],
)
@given(seed=st.integers(0, 2**32), plays=st.lists(st.integers(0, 6), min_size=5, max_size=5))
@settings(max_examples=40, deadline=None)
def test_an_information_set_has_the_environments_observation(
    scenario: str, pricing: tuple[str, ...], seed: int, plays: list[int]
) -> None:
    env = ConversationEnv(scenario, pricing)
    assert all(spec.lengths.is_constant for spec in env.table.specs)
    observation, _ = env.reset(seed=seed)
    for move in plays:
        talk = env.conversation
        if talk.state.ending is not None:
            break
        view = public_view(talk.spec, talk.history())
        assert view == talk.assistant_view()
        rebuilt = assistant_observation(view, env.table.price(talk.spec))
        assert np.array_equal(rebuilt, observation)
        observation, *_ = env.step(move)


def oracle_by_observation(made_from: Recipe) -> dict[bytes, AssistantMove]:
    table = Table(made_from.game.scenario, made_from.game.pricing)
    moves: dict[bytes, AssistantMove] = {}
    for spec in table.specs:
        for known, decision in bayes_oracle(spec, made_from.game.p_vague).decisions.items():
            seen = assistant_observation(public_view(spec, known), table.price(spec)).tobytes()
            moves.setdefault(seen, decision.move)
    return moves


def test_the_oracles_own_moves_are_worth_the_optimum() -> None:
    made_from = short()
    moves = oracle_by_observation(made_from)

    def play(observation: Array) -> Any:
        return np.eye(len(AssistantMove))[moves[observation[-1].tobytes()]]

    result = evaluate_shares(made_from, after=play, before=lambda observation: UNIFORM)
    assert result["share"] == pytest.approx(1.0, abs=1e-12)
    assert result["welfare"] == pytest.approx(result["optimum"]["welfare"], abs=1e-12)
    assert len(result["contexts"]) == 12
    for context in result["contexts"]:
        assert context["learnt"] == context["oracle"]
        assert context["before"]["CQ"] == pytest.approx(1 / 7)
        assert sum(context["after"].values()) == pytest.approx(1.0)


def test_a_fixed_plan_is_worth_less_and_says_which() -> None:
    made_from = short()

    def answer(observation: Array) -> Any:
        return np.eye(len(AssistantMove))[AssistantMove.DA_CONCISE]

    result = evaluate_shares(made_from, after=answer, before=answer)
    assert result["share"] < 0.9
    assert list(result["by_regime"]) == list(made_from.game.pricing)
    for row in result["by_regime"].values():
        assert row["exact"]
        assert row["welfare"] <= row["best_plan"]["welfare"] < row["optimum"]


def test_evaluation_reads_parameters_and_unpickles_nothing(tmp_path: Path) -> None:
    made_from = short()
    model = train_network(made_from, folder(tmp_path, made_from), resume=False)
    bare = tmp_path / "bare.zip"
    with zipfile.ZipFile(model) as source, zipfile.ZipFile(bare, "w") as target:
        for name in source.namelist():
            target.writestr(name, b"not json" if name == "data" else source.read(name))
    assert evaluate_network(made_from, bare) == evaluate_network(made_from, model)


def test_the_library_itself_reads_the_model(tmp_path: Path) -> None:
    from stable_baselines3 import PPO

    made_from = short()
    model = PPO.load(
        train_network(made_from, folder(tmp_path, made_from), resume=False), device="cpu"
    )
    move, _ = model.predict(np.zeros(57, np.float32), deterministic=True)
    assert int(move) in range(7)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 half a file"])
def test_a_damaged_model_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=r"must be a whole model file.*--resume"):
        evaluate_network(short(), path)


def test_a_model_of_another_recipe_is_refused(tmp_path: Path) -> None:
    made_from = short()
    model = train_network(made_from, folder(tmp_path, made_from), resume=False)
    with pytest.raises(RunError, match="another network than the recipe's"):
        evaluate_network(short(hidden=32), model)


def test_a_model_file_cut_anywhere_is_found_out(tmp_path: Path) -> None:
    made_from = short()
    model = train_network(made_from, folder(tmp_path, made_from), resume=False)
    assert damage(model) is None
    data = model.read_bytes()
    for length in [*range(0, len(data), 997), len(data) - 1]:
        model.write_bytes(data[:length])
        assert damage(model) is not None, length


def test_a_flipped_byte_is_found(tmp_path: Path) -> None:
    made_from = short()
    run = folder(tmp_path, made_from)
    model = train_network(made_from, run, resume=False)
    data = bytearray(model.read_bytes())
    with zipfile.ZipFile(model) as archive:
        place = archive.getinfo("policy.pth").header_offset + 2000
    data[place] ^= 0xFF
    model.write_bytes(data)
    with pytest.raises(RunError, match=r"policy\.pth in model\.zip fails its checksum"):
        evaluate_network(made_from, model)
