"""Dialogues with a model server that takes its time: side by side against one at a time.

Both seats are models on one server on loopback that answers each call after a fixed latency. What is
not waiting for it is this project's share.

    python benchmarks/dialogues.py --latency 0.2 --dialogues 64
"""

from __future__ import annotations

import argparse
import time

from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_agents.dialogue.assistant import LanguageAssistant
from gtalign_agents.dialogue.play import play
from gtalign_agents.dialogue.user import LanguageUser
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.testing import FaultServer


def reply(messages: list[dict[str, str]]) -> str:
    """Return what either seat says: an opening, an answer, thanks."""
    if "You play a person" in messages[0]["content"]:
        return "Thank you." if "The last answer is" in messages[0]["content"] else "What is it?"
    return "It is Hue."


def seconds(count: int, at_once: int, latency: float) -> tuple[float, int]:
    """Return the wall time of so many dialogues, in groups of ``at_once``, and their calls."""
    table = TalkTable("help_desk", "reasoning_api")
    table.seed(0)
    talks = [table.talk(table.open(episode)) for episode in range(count)]
    with FaultServer(reply, latency) as server:
        model = OpenAIHttp(server.base_url, "ok", at_once=at_once)
        started = time.perf_counter()
        for start in range(0, count, at_once):
            group = talks[start : start + at_once]
            play(group, LanguageUser(model, mode="decided"), LanguageAssistant(model, "plain"))
        return time.perf_counter() - started, len(server.prompts)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latency", type=float, default=0.2, help="of a call, seconds")
    parser.add_argument("--dialogues", type=int, default=64)
    parser.add_argument("--alone", type=int, default=8, help="how many to play one at a time")
    asked = parser.parse_args()
    alone, calls_alone = seconds(asked.alone, 1, asked.latency)
    together, calls = seconds(asked.dialogues, asked.dialogues, asked.latency)
    each_alone, each_together = alone / asked.alone, together / asked.dialogues
    waiting = asked.latency * calls / asked.dialogues  # every dialogue waits for its own calls only
    print(
        f"one at a time   {each_alone:8.4f} s a dialogue ({asked.alone} dialogues, {calls_alone} calls)"
    )
    print(f"{asked.dialogues} side by side {each_together:8.4f} s a dialogue ({calls} calls)")
    print(f"ratio           {each_alone / each_together:8.1f}")
    print(f"not waiting     {1 - waiting / together:8.1%} of the wall time side by side")
    print(f"not waiting     {1 - asked.latency * calls_alone / alone:8.1%} of it one at a time")


if __name__ == "__main__":
    main()
