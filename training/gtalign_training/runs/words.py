"""What a run in words adds to a plan: who writes how, and how models are reached."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from gtalign_agents.backends.cassette import Mode as CassetteMode
from gtalign_agents.backends.named import runs_here
from gtalign_agents.dialogue.assistant import Format, Structured
from gtalign_agents.dialogue.replayed import is_replayed, log_file
from gtalign_agents.dialogue.user import Mode
from gtalign_env.pricing import Rates
from gtalign_env.scenario.loader import load_tasks

SEATS = ("user", "assistant")


@dataclass(frozen=True)
class Words:
    """All that the messages of a run depend on, beside its scenario, seats and seed.

    Attributes:
        tasks: The questions, by name or file.
        user_mode: Who decides what a user that is a model says, see `LanguageUser`.
        user_policy: Name of the policy that decides in ``phrased``.
        format: What an assistant that is a model writes.
        steer: λ̂, what a USD is worth to the user as the assistant believes, points, for the edit
            of written matrices; None leaves them.
        structured: Whether four-block turns are held to their form.
        move_judge: Name of the model that says what a message of an assistant that is a model does,
            where the rules cannot tell; None for nobody.
        temperature: Of both seats.
        max_tokens: Longest message of the assistant, tokens.
        user_max_tokens: Longest message of the user, tokens.
        user_rates: What the user's model costs, pico-USD per token; None if that is not counted.
        assistant_rates: What the assistant's costs.
        at_once: How many dialogues go on side by side.
    """

    tasks: str = "general_knowledge"
    user_mode: Mode = "phrased"
    user_policy: str = "default"
    format: Format = "plain"
    steer: float | None = None
    structured: Structured = "free"
    move_judge: str | None = None
    temperature: float = 1.0
    max_tokens: int = 1024
    user_max_tokens: int = 120
    user_rates: Rates | None = None
    assistant_rates: Rates | None = None
    at_once: int = 32

    def rates(self, seat: str) -> Rates | None:
        """Return what the model of a seat costs, pico-USD per token."""
        return self.user_rates if seat == "user" else self.assistant_rates

    def known_rates(self) -> dict[str, Rates]:
        """Return what the models of the seats cost, by seat, where that is known."""
        return {seat: rates for seat in SEATS if (rates := self.rates(seat)) is not None}

    def facts(self, *names: str) -> dict[str, Any]:
        """Return what must be the same for a run to be gone on with, as plain JSON data.

        How many dialogues go on together counts only for a model in this process, whose draws
        depend on its batches.

        Args:
            names: Who sits in the seats.
        """
        data = asdict(self)
        for seat in SEATS:
            rates = self.rates(seat)
            data[f"{seat}_rates"] = None if rates is None else list(rates)
        if not any(runs_here(name) for name in names):
            del data["at_once"]
        for log in (log_file(Path(name.partition("@")[2])) for name in names if is_replayed(name)):
            data["log_digest"] = blake2b(log.read_bytes(), digest_size=16).hexdigest()
        questions = load_tasks(self.tasks).model_dump_json(by_alias=True)
        return data | {"tasks_digest": blake2b(questions.encode(), digest_size=16).hexdigest()}


@dataclass(frozen=True)
class Service:
    """How models are reached: none of it changes what they say.

    Attributes:
        deadline: Longest time of one call, all tries together, seconds.
        tries: Most tries of one call.
        cassette: File with recorded calls; None for none.
        cassette_mode: What to do with it.
        cap: Most that all calls of the run may cost, pico-USD; None without a cap.
    """

    deadline: float = 120.0
    tries: int = 4
    cassette: Path | None = None
    cassette_mode: CassetteMode = "cache"
    cap: int | None = None
