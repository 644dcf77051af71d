"""Each choice that docs/game.md lists under "Choices where the model was silent", against the code.

The numbers of the tests are the numbers of the list.
"""

from __future__ import annotations

from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pettingzoo
import pytest

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.ledger import Exchange, bill
from gtalign_env.core.moves import AssistantMove, Ending, UserMove
from gtalign_env.core.policies import default_seat
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws, stream_key
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.errors import EpisodeError, ScenarioError
from gtalign_env.games import NormalFormGame, price_of_anarchy
from gtalign_env.pricing import Cap, Minimum, Outcome, PerMessage, Regime, Surge, Usage
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario, parse_scenario
from gtalign_env.welfare import Welfare
from gtalign_training.language.chat import ChatTokens
from gtalign_training.language.rollouts import play

FREE_SUBSCRIPTION = {
    "description": "A share of a fee, an allowance, and free questions.",
    "components": [
        {
            "kind": "subscription",
            "fee": "4 USD",
            "conversations_per_period": 400,
            "included_output_tokens": 40,
            "overage": {"output": 10.0},
        }
    ],
    "free": {"questions": True},
}


def game(**changes: Any) -> GameSpec:
    """Return `quick_question` with fields changed; dots lead into mappings."""
    data = deepcopy(load_scenario("quick_question").to_data())
    for path, value in changes.items():
        *way, last = path.split("__")
        place: Any = data
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        place[int(last) if last.isdigit() else last] = value
    return compile_scenario(parse_scenario(data))


def priced(regime: dict[str, Any], **changes: Any) -> GameSpec:
    """Return `quick_question` under a regime."""
    return game(pricing=regime, **changes)


def talk(spec: GameSpec, seed: int = 0) -> Conversation:
    return Conversation(spec, Draws(stream_key(spec.digest, seed), 0))


def test_choice_1_a_message_that_is_not_written_costs_no_effort() -> None:
    conversation = talk(game(max_exchanges=1))
    conversation.step_user(UserMove.VQ)
    conversation.step_assistant(AssistantMove.CQ)
    user, _ = conversation.step_user(UserMove.REPLY)
    assert conversation.state.ending is Ending.TRUNCATED
    assert user == conversation.who.outside_option
    assert conversation.who.effort_reply > 0


def test_choice_2_a_free_question_is_charged_nothing_but_counts() -> None:
    conversation = talk(priced(FREE_SUBSCRIPTION))
    conversation.step_user(UserMove.VQ)
    conversation.step_assistant(AssistantMove.CQ)
    assert conversation.state.charged == 0
    conversation.step_user(UserMove.REPLY)
    conversation.step_assistant(AssistantMove.DA_CONCISE)
    # 30 tokens of the question and 60 of the answer, 40 included; the share fell on the question
    assert conversation.state.charged == (30 + 60 - 40) * 10_000_000


def test_choice_3_whether_the_assistant_is_informed_is_public() -> None:
    spec = game(task__reply_clarity=0.5)
    seen = set()
    for seed in range(20):
        conversation = talk(spec, seed)
        conversation.step_user(UserMove.VQ)
        conversation.step_assistant(AssistantMove.CQ)
        conversation.step_user(UserMove.REPLY)
        assert conversation.assistant_view().history.informed is conversation.state.informed
        seen.add(conversation.state.informed)
    assert seen == {True, False}


def test_choice_4_style_is_the_only_field_of_the_type_in_the_assistants_view() -> None:
    one, other = talk(game()), talk(game())
    changed = {"style": one.who.style, "budget": 10**12}
    rest = {name: 7 for name in one.who._fields if name not in changed}
    other.who = other.who._replace(**changed, **rest)
    for conversation in (one, other):
        conversation.step_user(UserMove.VQ)
    assert one.assistant_view() == other.assistant_view()
    other.who = other.who._replace(style=2)
    assert one.assistant_view() != other.assistant_view()


def test_choice_5_an_outcome_fee_beyond_the_budget_ends_broke_before_anything_is_written() -> None:
    # a random budget, or a study that raises prices, can fall short of a fee
    regime = {"description": "A fee.", "components": [{"kind": "outcome", "fee": "0.04 USD"}]}
    conversation = talk(priced(regime))
    conversation.who = conversation.who._replace(budget=conversation.who.budget // 2)
    user, assistant = conversation.step_user(UserMove.VQ)
    assert conversation.state.ending is Ending.BROKE
    assert (user, assistant) == (conversation.who.outside_option, -conversation.spec.churn)
    assert not conversation.assistant_moves
    for right in (True, False):
        paying = talk(priced(regime))
        paying.step_user(UserMove.DQ)
        paying.step_assistant(AssistantMove.DA_CONCISE, right=right)
        paying.step_user(UserMove.ACCEPT)
        assert paying.state.charged == 40_000_000_000


def test_choice_6_correctness_is_three_draws() -> None:
    spec = game(task__p_correct=0.6, task__quality={"concise": 0.5, "standard": 1, "verbose": 1})
    move, n = AssistantMove.DA_CONCISE, 4000
    draws = np.zeros(3)
    right = 0
    for seed in range(n):
        conversation = talk(spec, seed)
        conversation.step_user(UserMove.VQ)
        three = (
            conversation.draw_covers(move),
            conversation.draw_knows(),
            conversation.draw_suffices(move),
        )
        assert conversation.draw_right(move) is all(three)
        draws += three
        right += all(three)
    assert draws / n == pytest.approx([1 / 3, 0.6, 0.5], abs=0.04)
    assert right / n == pytest.approx(spec.p_right(move, informed=False), abs=0.02)
    assert spec.p_right(move, informed=False) == pytest.approx(0.6 * 0.5 / 3)


def test_choice_6_the_text_environment_judges_the_text_and_draws_the_rest() -> None:
    quality = {"concise": 0.7, "standard": 1, "verbose": 1}
    table = TalkTable(game(task__p_correct=0.2, task__quality=quality))
    right = {True: 0, False: 0}
    for episode in range(300):
        for knows in right:
            spoken = table.talk(table.open(episode))
            spoken.say_user(spoken.word_user(UserMove.DQ))
            gold = spoken.question.interpretations[spoken.meant].gold
            spoken.say_assistant(f"{gold}." if knows else "Xyzzy.")
            right[knows] += spoken.conversation.state.right
    assert right[False] == 0
    assert right[True] / 300 == pytest.approx(0.7, abs=0.1)


def test_choice_7_nominal_metering_bills_the_scenarios_lengths_and_bands_count_words() -> None:
    answer = "One two three four five six seven eight nine."  # nine words: a standard answer
    used = {}
    for name, meter in (("nominal", "nominal"), ("words", lambda text: len(text.split()))):
        env = gymnasium.make("gtalign/Dialogue-v0", meter=meter)
        env.reset(seed=0)
        env.step(answer)
        conversation = env.unwrapped.conversation  # type: ignore[attr-defined]  # ours
        assert conversation.assistant_moves[0] is AssistantMove.DA_STANDARD
        used[name] = conversation.ledger.exchanges[0].usage.output
    assert used == {"nominal": 180, "words": 9}


def test_choice_8_of_many_answers_only_the_first_ones_count() -> None:
    table = TalkTable(game())  # concise answers cover one interpretation of three
    for episode in range(60):
        spoken = table.talk(table.open(episode))
        spoken.say_user(spoken.word_user(UserMove.VQ))
        golds = [own.gold for own in spoken.question.interpretations[:3]]
        golds.append(golds.pop(spoken.meant))  # the right one last
        spoken.say_assistant(f"{', '.join(golds)}.")
        assert not spoken.conversation.state.right


def test_choice_9_an_illegal_move_raises_in_pettingzoo_and_is_refused_in_gymnasium() -> None:
    both = pettingzoo.make("aec", "gtalign/Conversation-v0")
    both.reset(seed=0)
    with pytest.raises(EpisodeError, match="the user may play VQ, DQ now; got ACCEPT"):
        both.step(int(UserMove.ACCEPT))
    single = gymnasium.make("gtalign/Conversation-v0", seat="user")
    before, _ = single.reset(seed=0)
    after, reward, ended, cut, info = single.step(int(UserMove.ACCEPT))
    assert info["illegal_move"] is True
    assert (reward, ended, cut) == (0.0, False, False)
    assert np.array_equal(before, after)


def test_choice_10_the_default_disagreement_point_is_the_mean_outside_option_and_0() -> None:
    data = load_scenario("quick_question").to_data()
    personas = []
    for name, outside in (("one", 1.0), ("two", 2.0)):
        persona = deepcopy(data["persona"][0]["persona"])
        persona |= {"name": name, "outside_option": outside}
        personas.append({"persona": persona, "weight": 1.0 if name == "one" else 3.0})
    spec = game(persona=personas, welfare={"kind": "nash"})
    assert spec.welfare.disagreement == (1.75, 0.0)


def test_choice_11_a_mixed_equilibrium_is_worth_the_mean_of_w_over_its_cells() -> None:
    payoffs = np.array([[4.0, 0.0], [0.0, 1.0]])
    mixed = ((0.5, 0.5), (0.5, 0.5))
    ratio = price_of_anarchy(NormalFormGame(payoffs, payoffs.T), Welfare("nash"), [mixed])
    assert ratio == pytest.approx(4.0 / ((4.0 + 1.0) / 4))


def test_choice_12_a_kind_of_component_may_stand_once() -> None:
    fee = {"kind": "per_message", "fee": "0.001 USD"}
    with pytest.raises(ScenarioError, match="a kind may stand once; 'per_message' is repeated"):
        priced({"description": "Twice.", "components": [fee, fee]})


class Letters:
    """As much of a tokenizer as a conversation needs: one token a character."""

    chat_template, eos_token_id, eos_token, name_or_path = "given", 0, "\0", "letters"

    def apply_chat_template(self, messages: list[dict[str, str]], **options: Any) -> str:
        text = "".join(f"<{one['role']}>{one['content']}\0" for one in messages)
        return text + "<assistant>" if options["add_generation_prompt"] else text

    def encode(self, text: str, **options: Any) -> list[int]:
        return [ord(letter) for letter in text]

    def decode(self, tokens: list[int], **options: Any) -> str:
        return "".join(map(chr, tokens))


def test_choice_13_malformed_blocks_reach_the_user_as_an_empty_message() -> None:
    table = TalkTable("help_desk")
    chat = ChatTokens(Letters())
    written = chat.tokenizer.encode("<thinking>I forgot the rest.</thinking>\0")
    (rollout,) = play(
        [(0, table.talk(table.open(0)))],
        default_seat(1.0),
        chat,
        lambda sequences: [list(written) for _ in sequences],
    )
    assert rollout.talk.messages[1].text == ""
    utilitarian = Welfare("utilitarian")
    assert rollout.welfare == 0.0
    realised = utilitarian(*rollout.talk.conversation.returns)
    assert rollout.score(utilitarian) == min(0.0, realised)
    assert not rollout.well_formed
    assert [turn.rule for turn in rollout.turns] == ["missing_block"] * len(rollout.turns)
    conversation = rollout.talk.conversation
    assert set(conversation.assistant_moves) == {AssistantMove.DA_CONCISE}
    assert conversation.state.charged > 0


def test_choice_14_a_surge_comes_before_minimum_and_cap_and_a_free_question_is_free() -> None:
    regime = Regime(
        "all",
        (
            PerMessage(4),
            Minimum(9),
            Cap(20),
            Surge(Fraction(3, 2)),
            Outcome(7),
        ),
        free_questions=True,
    )
    used = Usage(10, 0, 5, 0)
    asked, answered = (
        Exchange(used, move) for move in (AssistantMove.CQ, AssistantMove.DA_CONCISE)
    )
    # free; lifted from 6 to 9; used up to 12 and to 18; cut at 20; the fee apart
    talk = [asked, answered, answered, answered, answered]
    assert bill(talk, accepted=True, regime=regime) == [0, 9, 3, 6, 2, 7]


def test_the_list_is_complete() -> None:
    """A choice without a test, or a test without a choice, is found here."""
    page = (Path(__file__).parents[2] / "docs" / "game.md").read_text(encoding="utf-8")
    section = page.split("## Choices where the model was silent")[1].split("\n## ")[0]
    listed = {int(line.split(".")[0]) for line in section.splitlines() if line[:1].isdigit()}
    tested = {int(name.split("_")[2]) for name in globals() if name.startswith("test_choice_")}
    assert listed == tested
