"""What a run in words can cost at most, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

from gtalign_agents.backends.named import is_model, runs_here
from gtalign_agents.backends.purse import FRAME_TOKENS
from gtalign_agents.dialogue.assistant import LanguageAssistant
from gtalign_agents.dialogue.speaker import Dialogue, Speaker
from gtalign_agents.dialogue.user import LanguageUser
from gtalign_agents.dialogue.user_prompt import to_decide
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.scenario.loader import load_tasks
from gtalign_env.scenario.tasks import TaskSet
from gtalign_training.runs.folder import Plan
from gtalign_training.runs.talk import speakers, talk_table
from gtalign_training.runs.words import SEATS, Service

PROMPTS_READ = 200
"""Conversations whose opening prompts are written to find the longest."""

GROWTH = 256
"""Bytes by which a prompt that tells how things stand can grow, and a wording beyond its facts."""


@dataclass(frozen=True)
class Forecast:
    """What the model of one seat can be asked at most.

    Attributes:
        seat: ``user`` or ``assistant``.
        name: The model's.
        calls: How often, repetitions of failed tries left out.
        input: Tokens sent.
        output: Tokens written.
        cost: pico-USD, each call billed once; None where the price is not known.
    """

    seat: str
    name: str
    calls: int
    input: int
    output: int
    cost: int | None


def forecast(plan: Plan, service: Service) -> list[Forecast]:
    """Return what the models of a plan can cost at most, seat by seat; nothing is sent.

    Every conversation is taken to be as long as it can, every message too, every prompt as long
    in tokens as in bytes. Where one model reads what another has written, it is taken to make no
    more tokens of it than that one did.

    Args:
        plan: The plan; in words.
        service: How models are reached.
    """
    words = plan.words
    assert words is not None, "a plan in words"
    table = talk_table(plan)
    exchanges = max(spec.max_exchanges for spec in table.specs)
    longest = longest_scripted(load_tasks(words.tasks))
    if is_model(plan.assistant):
        longest["assistant"] = words.max_tokens
    if is_model(plan.user):
        # words that read as another move are replaced by bundled ones, which may be longer
        phrased = words.user_mode == "phrased"
        longest["user"] = max(words.user_max_tokens, longest["user"] if phrased else 0)
    found = []
    with speakers(plan, Service(deadline=service.deadline, tries=service.tries)) as seats:
        for seat, name, speaker in zip(SEATS, (plan.user, plan.assistant), seats, strict=True):
            if not is_model(name):
                continue
            opening = _opening(table, speaker, min(plan.episodes, PROMPTS_READ))
            turns = range(exchanges + (seat == "user"))
            per_turn = _calls_per_turn(speaker)
            written = words.user_max_tokens if seat == "user" else words.max_tokens
            exchange = longest["user"] + longest["assistant"] + 2 * FRAME_TOKENS
            sent = sum(opening + (turn + 1) * exchange for turn in turns)
            if seat == "assistant":
                sent += len(turns) * (per_turn - 1) * written  # a halted turn is sent again
            calls = plan.episodes * len(turns) * per_turn
            total_in, total_out = plan.episodes * sent * per_turn, calls * written
            if words.steer is not None and seat == "assistant":
                # first of all it is asked whether it can continue a turn
                calls, total_in, total_out = calls + 1, total_in + GROWTH, total_out + 1
            rates = words.rates(seat)
            cost = None
            if runs_here(name) or rates is not None:
                cost = 0
            if rates is not None:
                cost = total_in * max(rates.input, rates.cached_input)
                cost += total_out * max(rates.output, rates.reasoning)
            found.append(Forecast(seat, name, calls, total_in, total_out, cost))
    return found


def _calls_per_turn(speaker: Speaker) -> int:
    if isinstance(speaker, LanguageUser):
        return speaker.tries if speaker.mode == "phrased" else 1
    return speaker.stages if isinstance(speaker, LanguageAssistant) else 1


def _opening(table: TalkTable, speaker: Speaker, episodes: int) -> int:
    """Return the longest prompt before anything is said, bytes, with what it may grow by."""
    sizes = []
    for episode in range(episodes):
        dialogue = Dialogue(table.talk(table.open(episode)))
        if isinstance(speaker, LanguageAssistant):
            messages = speaker.request(dialogue).messages
        else:
            messages = to_decide(dialogue)
        sizes.append(sum(len(message.content.encode()) + FRAME_TOKENS for message in messages))
    return max(sizes) + GROWTH


def longest_scripted(tasks: TaskSet) -> dict[str, int]:
    """Return more bytes than any bundled wording of a seat has, by seat.

    The user's wordings name one reading of a question; the assistant's longest ones name all, each
    with a sentence and a detail.

    Args:
        tasks: The questions.
    """
    user = assistant = 0
    for question in tasks.questions:
        told = question.interpretations
        asked = [question.vague, *(form for one in told for form in (one.definite, one.meaning))]
        user = max(user, *(len(text.encode()) for text in asked))
        texts = [text for one in told for text in (one.gold, one.sentence, one.detail)]
        assistant = max(assistant, sum(len(text.encode()) for text in texts))
    return {"user": user + GROWTH, "assistant": assistant + GROWTH}
