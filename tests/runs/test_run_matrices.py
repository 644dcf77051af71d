"""Runs with written matrices: what the summary says of them, and forms that models are held to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gtalign_agents.calibration import exact_payoff
from gtalign_agents.fourblock import PAYOFF_KEYS, FourBlock, Payoff, render, render_payoff
from gtalign_agents.grammar import FOUR_BLOCK_GRAMMAR
from gtalign_env.errors import RunError
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario
from gtalign_env.testing import FaultServer
from gtalign_training.cli import main
from gtalign_training.runs.folder import RUN, episodes_of_events, read_run
from gtalign_training.runs.run import run, summary_of
from gtalign_training.runs.words import Words

from .conftest import reply, talk_plan

EXACT = exact_payoff(compile_scenario(load_scenario("help_desk")))
FLAT: Payoff = {key: {"LLM": 1.0, "user": 1.0} for key in PAYOFF_KEYS}


def writes(payoff: Payoff, cell: str) -> Any:
    """Return a server's reply in either seat: the assistant puts four blocks around its answer."""

    def answer(messages: list[dict[str, str]]) -> str:
        text = reply(messages)
        if "You play a person" in messages[0]["content"]:
            return text
        return render(FourBlock("Hm.", payoff, f"Not VQ_AQ but {cell}.", text))

    return answer


def played(folder: Path, payoff: Payoff, cell: str = "VQ_CQ", **words: Any) -> dict[str, Any]:
    with FaultServer(writes(payoff, cell)) as server:
        settings = Words(at_once=8, format="four_block", **words)
        plan = talk_plan(server.base_url, 16, words=settings)
        summary = run(plan, folder)
    assert summary == summary_of(plan, episodes_of_events(folder))
    assert read_run(folder).episodes == episodes_of_events(folder)
    return summary


def test_an_exact_matrix_is_calibrated_and_a_flat_one_has_no_order(tmp_path: Path) -> None:
    exact = played(tmp_path / "exact", EXACT)["matrices"]
    for seat in ("user", "assistant"):
        scored = exact["calibration"][seat]
        assert scored["spearman"]["mean"] == pytest.approx(1.0)
        assert scored["error"]["mean"] == pytest.approx(0.0, abs=1e-12)
    assert exact["calibration"]["turns"] == 16  # the first turn of each conversation alone
    assert exact["written"] == exact["turns"] > 16
    flat = played(tmp_path / "flat", FLAT)["matrices"]
    assert flat["calibration"]["user"]["spearman"] is None
    assert flat["calibration"]["user"]["without_order"] == 16
    off = sum(abs(1.0 - EXACT[key]["user"]) for key in PAYOFF_KEYS) / 6
    assert flat["calibration"]["user"]["error"]["mean"] == pytest.approx(off)
    assert (flat["distinct"], flat["top_share"]) == (1, 1.0)
    assert flat["choice"]["best_cell_played"] == 1.0  # all are equally good


def test_a_move_that_is_not_the_announced_one_is_counted(tmp_path: Path) -> None:
    summary = played(tmp_path / "a", EXACT, "VQ_CQ")
    choice = summary["matrices"]["choice"]
    asked = summary["moves"]["assistant"]["CQ"]
    assert choice["announced"] == choice["turns"]
    assert choice["mismatch"] == pytest.approx(1 - asked)
    assert 0 < choice["mismatch"] < 1
    vague = sum(
        one.user == "VQ" for e in read_run(tmp_path / "a").episodes.values() for one in e.written
    )
    assert choice["query_misread"] == pytest.approx(1 - vague / choice["turns"])


def test_malformed_turns_have_no_matrix(tmp_path: Path) -> None:
    with FaultServer(reply) as server:  # answers without blocks
        words = Words(at_once=8, format="four_block")
        summary = run(talk_plan(server.base_url, 4, words=words), tmp_path)
    assert "matrices" not in summary
    assert summary["seats"]["assistant"]["labels"]["outside_text"] > 0


def test_a_user_in_error_is_counted_by_message(tmp_path: Path) -> None:
    def bad(messages: list[dict[str, str]]) -> str:
        if "You play a person" in messages[0]["content"]:
            return "As an AI, my budget is 3 USD. What is it?"
        return "It is Hue."

    with FaultServer(bad) as server:
        words = Words(at_once=8, user_mode="decided")
        summary = run(talk_plan(server.base_url, 8, words=words), tmp_path)
    user = summary["seats"]["user"]
    assert user["user_error"] == {"messages": user["messages"], "share": 1.0}
    assert sum(user["labels"].values()) > user["messages"]  # two labels, one message
    scripted = run(
        replace(talk_plan("http://x/v1", 8), user="default", assistant="CQ"), tmp_path / "s"
    )
    assert scripted["seats"]["user"]["user_error"] == {"messages": 0, "share": 0.0}


def three_episodes(server: FaultServer, out: Path) -> list[str]:
    """Return the command line that plays three episodes with the server's model."""
    model = ["--assistant", f"openai:{server.base_url}#ok"]
    return ["run", "help_desk", *model, "--episodes", "3", "--out", str(out)]


def test_a_form_is_asked_for_recorded_and_kept_to_on_resuming(tmp_path: Path) -> None:
    with FaultServer(writes(EXACT, "VQ_CQ")) as server:
        args = three_episodes(server, tmp_path / "r")
        result = CliRunner().invoke(main, [*args, "--structured", "grammar"])
        assert result.exit_code == 0, result.output
        asked = [one["structured_outputs"] for one in server.prompts]
        assert asked == [{"grammar": FOUR_BLOCK_GRAMMAR}] * len(asked)
        other = CliRunner().invoke(main, [*args, "--format", "four_block", "--resume"])
        assert "words.structured: 'grammar' then, 'free' now" in other.stderr.replace("\n", " ")
    assert json.loads((tmp_path / "r" / RUN).read_text())["words"]["structured"] == "grammar"
    assert "rank correlation 1.00" in result.output.replace("\n", " ")
    assert "Written matrices:" in result.output


def test_a_matrix_by_its_schema_takes_three_calls(tmp_path: Path) -> None:
    def piecewise(messages: list[dict[str, str]]) -> str:
        begun = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
        if begun.endswith("<payoff>"):
            return render_payoff(EXACT)
        if begun:
            return "<analyze>VQ_CQ</analyze><response>Which one?</response>"
        return "<thinking>Hm.</thinking>"

    with FaultServer(piecewise) as server:
        args = three_episodes(server, tmp_path / "r")
        result = CliRunner().invoke(main, [*args, "--structured", "schema", "--json"])
        assert result.exit_code == 0, result.output
    seat = json.loads(result.stdout)["seats"]["assistant"]
    assert seat["model"]["calls"] == 3 * seat["messages"]
    assert seat["labels"] == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--words", "--structured", "schema"], "--structured is for a model in the assistant's seat"),
        (["--assistant", "openai:http://h/v1#m", "--structured", "lark"], "one of free, schema, gr"),
        (
            ["--assistant", "openai:http://h/v1#m", "--structured", "schema", "--format", "plain"],
            "leave out --format plain",
        ),
        (["--assistant", "openai:http://h/v1#m", "--move-judge", "patient"], "is a model, such as"),
        (["--words", "--move-judge", "local:x"], "--move-judge is for a model in the assistant"),
        (["--user", "replay@nowhere"], "nowhere must be a file of transcripts"),
        (["--user", "replay"], "after replay@ comes"),
    ],
)  # fmt: skip
def test_mistakes_are_told(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(
        main, ["run", "help_desk", *arguments, "--out", str(tmp_path / "r")]
    )
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not (tmp_path / "r").exists()


def test_a_judge_types_what_the_rules_cannot_tell(tmp_path: Path) -> None:
    asks = "That depends on which one you mean."
    with (
        FaultServer(lambda messages: asks) as server,
        FaultServer(lambda messages: '{"kind": "asks"}') as judge,
    ):
        name, judging = (f"openai:{one.base_url}#ok" for one in (server, judge))
        args = ["run", "help_desk", "--assistant", name, "--episodes", "4", "--json"]
        alone = CliRunner().invoke(main, [*args, "--out", str(tmp_path / "alone")])
        judged = CliRunner().invoke(
            main, [*args, "--out", str(tmp_path / "judged"), "--move-judge", judging]
        )
        asked = len(judge.prompts)
        capped = CliRunner().invoke(
            main,
            [
                *(*args, "--out", str(tmp_path / "cap"), "--move-judge", judging),
                *("--budget-cap", "1 USD", "--model-price", "1,1,1,1"),
            ],
        )
    assert json.loads(alone.stdout)["moves"]["assistant"]["CQ"] == 0.0
    told = json.loads(judged.stdout)
    assert told["moves"]["assistant"]["CQ"] == 1.0
    seat = told["seats"]["assistant"]
    assert seat["typed"] == {"judge": seat["messages"]}
    assert seat["model"]["calls"] == seat["messages"]  # the judge's calls are not the seat's
    assert asked == seat["messages"]
    assert json.loads((tmp_path / "judged" / RUN).read_text())["words"]["move_judge"] == judging
    assert "whose price is known" in " ".join(capped.stderr.split())


def test_a_local_model_cannot_be_held(tmp_path: Path) -> None:
    from gtalign_agents.backends.chat import Message, Request
    from gtalign_agents.backends.local import LocalModel

    request = Request((Message("user", "x"),), grammar=FOUR_BLOCK_GRAMMAR)
    (fault,) = LocalModel(str(tmp_path)).complete([request])
    assert getattr(fault, "kind", "") == "refused"


def test_a_replayed_log_is_part_of_what_a_run_is(tmp_path: Path) -> None:
    log, out = tmp_path / "log", tmp_path / "again"
    base = replace(talk_plan("http://x/v1", 12), user="default", assistant="clarify_once")
    first = run(base, log)
    plan = replace(base, user=f"replay@{log}")
    again = run(plan, out)
    for measure in ("welfare", "moves", "endings", "total_pico_usd"):
        assert again[measure] == first[measure]
    assert len(json.loads((out / RUN).read_text())["words"]["log_digest"]) == 32
    with (log / "transcripts.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(RunError, match=r"words\.log_digest"):
        run(plan, out, resume=True)
