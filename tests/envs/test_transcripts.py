"""Transcripts: the record of a conversation, written, read back, and inert."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.policies import assistant_policy, user_policy
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.envs.render import lines
from gtalign_env.envs.table import Table
from gtalign_env.envs.transcript import (
    Transcript,
    read_transcripts,
    transcript_of,
    write_transcripts,
)
from gtalign_env.errors import RunError

SCENARIOS = ["quick_question", "pay_on_success", "mixed_crowd", "help_desk"]
EPISODES = 40


def play_in_words(scenario: str) -> list[tuple[Conversation, Transcript]]:
    """Return finished conversations of random seats, with their transcripts."""
    table = TalkTable(scenario)
    table.seed(4)
    user, assistant = user_policy("random"), assistant_policy("random")
    out = []
    for episode in range(EPISODES):
        conversation = table.open(episode)
        talk = table.talk(conversation)
        while conversation.state.ending is None:
            u = conversation.chance(conversation.state.to_move, Purpose.POLICY)
            if conversation.state.to_move is Seat.USER:
                talk.say_user(talk.word_user(user(conversation.user_view(), u)))
            else:
                move = assistant(conversation.assistant_view(), u)
                talk.say_assistant(talk.word_assistant(move))
        texts = [message.text for message in talk.messages]
        out.append(
            (conversation, transcript_of(conversation, seed=4, episode=episode, texts=texts))
        )
    return out


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_transcript_holds_what_happened(scenario: str, tmp_path: Path) -> None:
    played = play_in_words(scenario)
    for conversation, one in played:
        assert one.ending == conversation.state.ending.name.lower()  # type: ignore[union-attr]  # it has ended
        assert one.returns == conversation.returns
        assert one.welfare == conversation.spec.welfare(*conversation.returns)
        assert [turn.rewards for turn in one.turns] == conversation.rewards
        assert sum(turn.charge for turn in one.turns) == one.charged == conversation.state.charged
        assert one.cost == conversation.state.cost
        seats = [turn.seat for turn in one.turns]
        assert seats == (["user", "assistant"] * len(seats))[: len(seats)]
        moves = [turn.move for turn in one.turns]
        assert moves[::2] == [move.label for move in conversation.user_moves]
        assert moves[1::2] == [move.label for move in conversation.assistant_moves]
        assert all(turn.text is not None for turn in one.turns)
        fee = conversation.spec.regime.outcome_fee
        for turn in one.turns[::2]:
            assert turn.charge == (fee if turn.move == "ACCEPT" else 0)
    assert len({one.ending for _, one in played}) > 1
    kept = [one for _, one in played]
    write_transcripts(tmp_path / "t.jsonl", kept)
    assert list(read_transcripts(tmp_path / "t.jsonl")) == kept


def test_a_free_question_and_an_undelivered_message_cost_nothing() -> None:
    table = Table("guided_homework")
    talk = table.open(0)
    talk.step_user(UserMove.VQ)
    talk.step_assistant(AssistantMove.CQ)
    talk.step_user(UserMove.REPLY)
    talk.who = talk.who._replace(budget=1)
    talk.step_assistant(AssistantMove.DA_VERBOSE)
    one = transcript_of(talk, seed=0, episode=0)
    assert [turn.charge for turn in one.turns] == [0, 0, 0, 0]
    assert [turn.text for turn in one.turns] == [None] * 4
    shown = lines(talk)
    assert shown[2].endswith("CQ  0 USD")
    assert shown[4].endswith("DA:verbose  not delivered")
    assert shown[5].endswith("broke, billed 0 USD")


def test_one_line_of_valid_unicode_whatever_was_said(tmp_path: Path) -> None:
    _, one = play_in_words("quick_question")[0]
    for text in ("a\ud800b", "line\nbreak", "\u2028", "\x00", "\x1b[31m", "</script>"):
        odd = replace(one, turns=(replace(one.turns[0], text=text, written=text), *one.turns[1:]))
        line = odd.to_json()
        assert "\n" not in line
        assert json.loads(line)["turns"][0]["text"] == text.replace("\ud800", "\ufffd")
        write_transcripts(tmp_path / "t.jsonl", [odd])
        (again,) = read_transcripts(tmp_path / "t.jsonl")
        assert again.turns[0].text == text.replace("\ud800", "\ufffd")


@pytest.mark.parametrize("line", ["", "{}", "[]", "nonsense", '{"turns": 3}', '{"scenario": 1}'])
def test_what_is_no_transcript_is_refused_with_its_line(line: str, tmp_path: Path) -> None:
    _, one = play_in_words("quick_question")[0]
    path = tmp_path / "t.jsonl"
    path.write_text(f"{one.to_json()}\n{line}\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"t\.jsonl:2: not a transcript"):
        list(read_transcripts(path))
