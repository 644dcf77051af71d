"""The bundled questions that can be meant in six ways, and that every scenario plays in words."""

from __future__ import annotations

from itertools import combinations

import gymnasium
import pytest

import gtalign_env  # noqa: F401  # registers the ids
from gtalign_env.core.moves import AssistantMove
from gtalign_env.envs.talk import askable
from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import load_tasks
from gtalign_env.scenario.tasks import MAX_LISTED
from gtalign_env.text.grading import is_right, settles
from gtalign_env.text.reader import read_assistant
from gtalign_env.text.writer import distractors, write

MANY = load_tasks("many_meanings")


@pytest.mark.parametrize("question", MANY.questions, ids=lambda question: question.id)
@pytest.mark.parametrize("k", [5, 6])
def test_every_wording_reads_back_and_is_judged_as_meant(question, k):  # type: ignore[no-untyped-def]  # pydantic
    borrowed = distractors(MANY.questions, question)
    sets = [c for size in range(1, MAX_LISTED + 1) for c in combinations(range(k), size)]
    for covered in sets:
        for move in AssistantMove:
            for wrong in (False, True):
                text = write(
                    move, question, k, covered, wrong=wrong, informed=False, choice=0.4,
                    distractors=borrowed,
                )  # fmt: skip
                assert read_assistant(text) is move, text
                if move.answers:
                    right = [is_right(text, question, i, k, len(covered)) for i in range(k)]
                    assert right == [i in covered and not wrong for i in range(k)], text
    for i, own in enumerate(question.interpretations[:k]):
        named = [settles(own.meaning, question, j, k) for j in range(k)]
        assert named == [j == i for j in range(k)]
        assert settles(own.definite, question, i, k)
        assert not settles(question.vague, question, i, k)


def test_a_set_hands_on_what_its_questions_cannot_be_meant_in() -> None:
    tasks = load_tasks("general_knowledge")
    assert {len(question.interpretations) for question in askable(tasks, 4)} == {4}
    assert askable(tasks, 5) == list(MANY.questions)
    with pytest.raises(ScenarioError, match="'many_meanings' has no question with 7"):
        askable(tasks, 7)
    with pytest.raises(ScenarioError, match="`more`: the name of one"):
        askable(tasks.model_copy(update={"more": None}), 5)


@pytest.mark.parametrize("name", [entry.name for entry in list_entries("scenario")])
def test_every_scenario_plays_in_words(name: str) -> None:
    env = gymnasium.make("gtalign/Dialogue-v0", scenario=name, opponent="default")
    for seed in range(3):
        env.reset(seed=seed)
        over, info = False, {"reward_valid": False}
        while not over:
            said = env.unwrapped.talk.word_assistant(AssistantMove.AQ_CONCISE)  # type: ignore[attr-defined]  # ours
            _, _, terminated, truncated, info = env.step(said)
            over = terminated or truncated
        assert info["reward_valid"]
