"""Dialogues with a model server that takes its time: side by side against one at a time.

Both seats are models on one server on loopback, in a process of its own, that answers each call after
a fixed latency. The environment's share is measured with the same dialogues and a model that answers at
once: rules, texts, prompts and records, without any client.

    python benchmarks/dialogues.py --latency 0.2 --dialogues 64
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

from gtalign_agents.backends.chat import ChatModel, Request
from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_agents.backends.scripted import ScriptedModel
from gtalign_agents.dialogue.assistant import LanguageAssistant
from gtalign_agents.dialogue.play import play
from gtalign_agents.dialogue.speaker import Dialogue
from gtalign_agents.dialogue.user import LanguageUser
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.envs.talk import Talk
from gtalign_env.testing import FaultServer


def reply(messages: list[dict[str, str]]) -> str:
    """Return what either seat says: an opening, an answer, thanks."""
    if "You play a person" in messages[0]["content"]:
        return "Thank you." if "The last answer is" in messages[0]["content"] else "What is it?"
    return "It is Hue."


def at_once(request: Request) -> str:
    """Return the same without a server."""
    return reply([{"role": m.role, "content": m.content} for m in request.messages])


def _serve(latency: float, pipe: Connection) -> None:
    with FaultServer(reply, latency) as server:
        pipe.send(server.base_url)
        pipe.recv()


@contextmanager
def serving(latency: float) -> Iterator[str]:
    """Give the address of a server in another process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(latency, theirs))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join()


def opened(count: int) -> list[Talk]:
    """Return talks in which nothing is said yet."""
    table = TalkTable("help_desk", "reasoning_api")
    table.seed(0)
    return [table.talk(table.open(episode)) for episode in range(count)]


class Took(NamedTuple):
    """What dialogues have taken."""

    wall: float
    cpu: float
    """Of this process, seconds; what else runs on the machine does not count."""
    calls: int


def seconds(model: ChatModel, talks: list[Talk], side_by_side: int) -> Took:
    """Return the times of dialogues in groups of so many, and the calls of all."""
    user, assistant = LanguageUser(model, mode="decided"), LanguageAssistant(model, "plain")
    played: list[Dialogue] = []
    started, busy = time.perf_counter(), time.process_time()
    for start in range(0, len(talks), side_by_side):
        played += play(talks[start : start + side_by_side], user, assistant)
    wall, cpu = time.perf_counter() - started, time.process_time() - busy
    return Took(
        wall, cpu, sum(len(said.calls) for dialogue in played for _, said in dialogue.turns)
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latency", type=float, default=0.2, help="of a call, seconds")
    parser.add_argument("--dialogues", type=int, default=64)
    parser.add_argument("--alone", type=int, default=8, help="how many to play one at a time")
    asked = parser.parse_args()
    count = asked.dialogues
    instant = ScriptedModel(at_once)
    seconds(instant, opened(8), 8)  # what is loaded once is loaded now
    own = min((seconds(instant, opened(count), count) for _ in range(5)), key=lambda one: one.cpu)
    with serving(asked.latency) as address:
        model = OpenAIHttp(address, "ok", at_once=count)
        seconds(model, opened(1), 1)
        alone = seconds(model, opened(asked.alone), 1)
        together = min(seconds(model, opened(count), count) for _ in range(3))
    each_alone, each_together = alone.wall / asked.alone, together.wall / count
    waiting = asked.latency * together.calls / count  # every dialogue waits for its own calls only
    print(
        f"one at a time    {each_alone:8.4f} s a dialogue ({asked.alone} dialogues, {alone.calls} calls)"
    )
    print(f"{count} side by side  {each_together:8.4f} s a dialogue ({together.calls} calls)")
    print(f"ratio            {each_alone / each_together:8.1f}   (target: 40 at 64 side by side)")
    print(f"waiting          {waiting:8.3f} s, CPU time of this process {together.cpu:.3f} s")
    share = own.cpu / (waiting + together.cpu)
    print(f"environment      {own.cpu:8.3f} s of that, {share:.1%} of both (target: 3 %)")
    print(
        f"                 {own.cpu / count * 1e3:8.2f} ms a dialogue, {own.cpu / own.calls * 1e3:.2f} a call"
    )


if __name__ == "__main__":
    main()
