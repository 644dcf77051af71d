"""Users that replay records: the same talk again, and a stated rule where it goes another way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gtalign_agents.backends.scripted import ScriptedModel
from gtalign_agents.dialogue.assistant import LanguageAssistant
from gtalign_agents.dialogue.guard import NOTES, USER_ERRORS
from gtalign_agents.dialogue.play import play
from gtalign_agents.dialogue.replayed import (
    Message,
    Record,
    ReplayedUser,
    is_replayed,
    nearest,
    read_records,
    replayed_user,
)
from gtalign_agents.dialogue.speaker import Dialogue, ScriptedAssistant, ScriptedUser
from gtalign_agents.dialogue.user import LanguageUser
from gtalign_env.core.moves import Ending, UserMove
from gtalign_env.core.policies import assistant_policy, user_policy
from gtalign_env.draws import Seat
from gtalign_env.envs.transcript import transcript_of, write_transcripts
from gtalign_env.errors import RunError, ScenarioError

from .conftest import Talks

ASSISTANT = ScriptedAssistant(assistant_policy("random"))


def recorded(path: Path, dialogues: list[Dialogue], seed: int = 7) -> Path:
    """Write dialogues as a run does."""
    write_transcripts(
        path,
        (
            transcript_of(
                one.talk.conversation,
                seed=seed,
                episode=one.talk.conversation.draws.episode,
                texts=[said.text for _, said in one.turns],
            )
            for one in dialogues
        ),
    )
    return path


@pytest.mark.parametrize("family", ["scripted", "phrased"])
def test_the_same_conversations_are_replayed_word_for_word(
    talks: Talks, tmp_path: Path, family: str, obedient: ScriptedModel
) -> None:
    policy = user_policy("default")
    user = ScriptedUser(policy) if family == "scripted" else LanguageUser(obedient, policy=policy)
    first = play(talks(60), user, ASSISTANT)
    log = recorded(tmp_path / "log.jsonl", first)
    # drawn ones would not match: the seed of the drawing does not count here
    for seed in (0, 1):
        again = play(talks(60), replayed_user(f"replay@{log}", seed), ASSISTANT)
        for one, other in zip(first, again, strict=True):
            assert [s.text for _, s in one.turns] == [s.text for _, s in other.turns]
            assert one.talk.conversation.returns == other.talk.conversation.returns
            assert not [s for s in other.of(Seat.USER) if set(s.labels) & {"off_log", "reworded"}]


def test_another_assistant_takes_the_talk_off_the_log(talks: Talks, tmp_path: Path) -> None:
    first = play(talks(80), ScriptedUser(user_policy("default")), ASSISTANT)
    log = recorded(tmp_path / "log.jsonl", first)
    again = []
    wrong = ScriptedModel(lambda request: "It is nothing of the kind.")
    asking = ScriptedAssistant(assistant_policy("CQ"))
    for other in (asking, LanguageAssistant(wrong, "plain")):
        again += play(talks(80), replayed_user(f"replay@{log}", 0), other)
    labels = [label for one in again for said in one.of(Seat.USER) for label in said.labels]
    assert {"off_log", "log_ended", "accepts_wrong", "reworded"} <= set(labels)
    assert set(labels) <= {*USER_ERRORS, *NOTES}
    for one in again:
        assert one.talk.conversation.state.ending not in (None, Ending.FAULT)


def test_records_of_other_conversations_are_drawn_by_seed_and_number(
    talks: Talks, tmp_path: Path
) -> None:
    first = play(talks(40), ScriptedUser(user_policy("DQ")), ASSISTANT)
    log = recorded(tmp_path / "log.jsonl", first, seed=1234)

    def moves(seed: int, indices: range) -> list[tuple[UserMove, ...]]:
        user = replayed_user(f"replay@{log}", seed)
        played = play(talks(len(indices)), user, ASSISTANT, indices=indices)
        return [one.talk.conversation.user_moves for one in played]

    assert moves(0, range(30)) == moves(0, range(30))
    assert moves(0, range(30)) != moves(1, range(30))
    # who else is played beside it changes nothing
    assert moves(0, range(30))[:10] == moves(0, range(10))
    user = replayed_user(f"replay@{log}", 0)
    (one,) = play(talks(1), user, ASSISTANT, indices=[3])
    opening = one.of(Seat.USER)[0]
    assert "reworded" in opening.labels  # a record about another question lends its moves alone
    assert one.talk.conversation.user_moves[0] is UserMove.DQ


@pytest.mark.parametrize(
    ("wanted", "legal", "move"),
    [
        ("ACCEPT", "ACCEPT FOLLOW_UP LEAVE", "ACCEPT"),
        ("REPLY", "ACCEPT FOLLOW_UP LEAVE", "FOLLOW_UP"),
        ("FOLLOW_UP", "ACCEPT REPLY LEAVE", "REPLY"),
        ("ACCEPT", "REPLY LEAVE", "REPLY"),
        ("FOLLOW_UP", "ACCEPT LEAVE", "LEAVE"),
        ("DQ", "ACCEPT FOLLOW_UP LEAVE", "FOLLOW_UP"),
        ("LEAVE", "VQ DQ", "VQ"),
    ],
)
def test_the_nearest_legal_move(wanted: str, legal: str, move: str) -> None:
    assert nearest(UserMove[wanted], [UserMove[one] for one in legal.split()]) is UserMove[move]


def test_a_plain_file_of_turns_will_do(talks: Talks, tmp_path: Path) -> None:
    turns = [{"seat": "user", "move": "VQ"}, {"seat": "assistant", "text": "Which?"}]
    turns.append({"seat": "user", "move": "LEAVE", "text": "Forget it."})
    path = tmp_path / "turns.jsonl"
    path.write_text(json.dumps({"turns": turns}) + "\n\n", encoding="utf-8")
    (record,) = read_records(path)
    assert record.place is None
    (one,) = play(talks(1), ReplayedUser((record,)), ScriptedAssistant(assistant_policy("CQ")))
    assert one.talk.conversation.user_moves == (UserMove.VQ, UserMove.LEAVE)
    said = one.of(Seat.USER)
    assert said[0].text
    assert said[1].text == "Forget it."
    assert "ends_early" in said[1].labels


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", ":1: a line must be a transcript"),
        ("[]", ":1: a line must be a transcript"),
        ('{"turns": [{"seat": "user", "move": "XQ"}]}', "is one of VQ, DQ.*got 'XQ'"),
        ('{"turns": [{"seat": "user", "move": "VQ", "text": 3}]}', "text must be a string"),
        ('{"turns": []}', "holds no message of a user"),
    ],
)
def test_what_is_no_log_is_told_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(RunError, match=message):
        read_records(path)


def test_names_of_logs(tmp_path: Path) -> None:
    assert is_replayed("replay@runs/a")
    assert not is_replayed("replayer")
    with pytest.raises(ScenarioError, match="after replay@ comes"):
        replayed_user("replay@", 0)
    with pytest.raises(RunError, match=r"transcripts\.jsonl must be a file of transcripts"):
        replayed_user(f"replay@{tmp_path}", 0)
    with pytest.raises(RunError, match="at least one recorded"):
        ReplayedUser(())


def test_the_words_are_kept_only_where_they_say_the_move(talks: Talks) -> None:
    make: Callable[[str], Record] = lambda text: Record((Message(UserMove.DQ, text),), None)  # noqa: E731  # a table of two
    talk = talks(1)[0]
    meant = talk.question.interpretations[talk.meant]
    for text, kept in ((meant.definite, True), ("Who are you?", False)):
        fresh = replace(Dialogue(talks(1)[0]))
        (said,) = ReplayedUser((make(text),)).speak([fresh])
        assert getattr(said, "text", None) == (text if kept else fresh.talk.word_user(UserMove.DQ))
