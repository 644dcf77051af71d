"""Rows in the published schemas, servers that answer and judge them, and evaluations small enough."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gtalign_env.money import rate_per_token
from gtalign_env.pricing import Rates
from gtalign_env.scenario.loader import load_pricing, load_scenario, load_tasks
from gtalign_env.testing import FaultServer
from gtalign_training.data.evaluation.plan import Evaluation
from gtalign_training.data.rows import Question, from_gtalign
from gtalign_training.language.tiny.language import pieces
from gtalign_training.language.tiny.model import build_model, build_tokenizer

RATES = Rates(*(rate_per_token(price) for price in ("1", "0.1", "4", "4")))


def ambig_row(number: int) -> dict[str, Any]:
    """Return a generated row in the schema of the Ambig-QA file."""
    question = f"Who won cup number {number}?"
    single = number % 2
    truth = (
        f"singleAnswer###Team {number}"
        if single
        else "multipleQAs###There are multiple meanings of the question."
        f"Meaning 0: Who won it at home?; Answer 0: Team {number}\n"
        f"Meaning 1: Who won it away?; Answer 1: Club {number}\n"
    )
    chat = [{"role": "user", "content": question}]
    return _row("ambig_qa", number, question, chat, truth)


def math_row(number: int) -> dict[str, Any]:
    """Return a generated row in the schema of the MATH file; two rows share a conversation."""
    question = f"What is {number} + 2?"
    chat = [
        {"role": "user", "content": "Help me with a sum."},
        {"role": "assistant", "content": "Which one?"},
        {"role": "user", "content": question},
    ]
    return _row("math-hard", number // 2, question, chat, str(number + 2))


def _row(
    data_set: str, conversation: int, question: str, chat: list[dict[str, str]], truth: str
) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": "instructions and all"}],
        "data_source": data_set,
        "conv_id": conversation,
        "turn_id": len(chat),
        "reward_model": {"ground_truth": truth, "style": "rule"},
        "extra_info": {"chat_history": chat, "single_turn_prompt": question},
    }


def questions(count: int) -> tuple[Question, ...]:
    """Return generated rows, half of each kind."""
    made = [math_row(i) if i % 2 else ambig_row(i) for i in range(count)]
    return tuple(from_gtalign(row, f"row:{i}") for i, row in enumerate(made))


class Server(FaultServer):
    """A model server that fails where a function of the payload says so."""

    def __init__(
        self,
        reply: Callable[[list[dict[str, str]]], str],
        choose: Callable[[dict[str, Any]], str] = lambda payload: "ok",
    ) -> None:
        super().__init__(reply)
        self.choose = choose

    def begin(self, payload: dict[str, Any]) -> str:
        super().begin(payload)
        return self.choose(payload)


def is_judge(messages: list[dict[str, str]]) -> bool:
    """Return whether a chat is one of a judge."""
    return messages[0]["content"].startswith("You grade one answer.")


def number_in(text: str) -> int:
    """Return the last whole number before a question mark, as generated rows have it."""
    words = text.rpartition("?")[0].replace("+ 2", "").split()
    return int(words[-1])


def reply(messages: list[dict[str, str]]) -> str:
    """Answer a generated row, sometimes wrongly, or judge one, from what stands in the prompt."""
    if is_judge(messages):
        data = json.loads(messages[1]["content"].split("\n")[1])
        right = data["reference"].split()[0] in data["answer"]
        return f"It is {'' if right else 'not '}what the reference says.\nVERDICT: {int(right)}"
    number = number_in(messages[-1]["content"])
    if "+ 2" in messages[-1]["content"]:
        return f"The sum is {number + (2 if number % 3 else 3)}."
    if number % 5 == 0:
        return "Do you mean at home or away?"
    return f"It was Team {number if number % 3 else number + 1}."


def evaluation(base_url: str, count: int = 24, **changes: Any) -> Evaluation:
    """Return an evaluation of a model on a server, judged by rules and then by a model there."""
    name = f"openai:{base_url}#ok"
    plan = Evaluation(
        rows=questions(count),
        files=(("rows.parquet", count),),
        limit=count,
        scenario=load_scenario("quick_question"),
        pricings=(load_pricing("per_token"), load_pricing("subscription")),
        assistant=name,
        judge=name,
        rules_first=False,
        at_once=8,
        max_tokens=64,
        judge_max_tokens=64,
        seed=5,
        assistant_rates=RATES,
        judge_rates=RATES,
    )
    return replace(plan, **changes)


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let failed calls be tried again at once."""
    monkeypatch.setattr("gtalign_agents.backends.limits.FIRST_WAIT", 0.01)


def tiny_model(path: Path) -> Path:
    """Write a tiny model with random weights, as a folder that can be served."""
    regimes = [regime.regime() for _, regime in load_scenario("help_desk").schedule]
    tokenizer = build_tokenizer(pieces(load_tasks("general_knowledge"), regimes))
    build_model(tokenizer, layers=1, hidden=32, seed=0).save_pretrained(str(path))
    tokenizer.save_pretrained(str(path))
    return path


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a tiny model behind a real server, ``transformers serve``, on loopback."""
    path = tiny_model(tmp_path_factory.mktemp("served") / "tiny")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(path)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    quiet = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    log = tmp_path_factory.mktemp("log") / "serve.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=os.environ | quiet, stdout=out, stderr=out)
    try:
        _wait(f"http://127.0.0.1:{port}/health", server, log)
        yield f"openai:http://127.0.0.1:{port}/v1#{path}"
    finally:
        server.terminate()
        server.wait(20)


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers."""
    for _ in range(240):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"the server does not answer: {log.read_text()}")
