"""Episodes in words: speakers by the plan's names, dialogues in step, records like any other's."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path

from gtalign_agents.backends.cassette import Cassette
from gtalign_agents.backends.chat import ChatModel, Fault, Message, Request, Sampling
from gtalign_agents.backends.named import is_model, model_of, runs_here, without_login
from gtalign_agents.backends.purse import Account, Purse
from gtalign_agents.dialogue.assistant import LanguageAssistant
from gtalign_agents.dialogue.play import play
from gtalign_agents.dialogue.replayed import is_replayed, replayed_user
from gtalign_agents.dialogue.speaker import ScriptedAssistant, ScriptedUser, Speaker
from gtalign_agents.dialogue.user import LanguageUser
from gtalign_agents.steering import Edit, edit_for, usage_of_cells
from gtalign_env.core.spec import GameSpec
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.errors import RunError, ScenarioError
from gtalign_env.pricing import Rates, Regime
from gtalign_training.runs.folder import Plan
from gtalign_training.runs.record import Played, record_dialogue
from gtalign_training.runs.seats import assistant_seat, user_seat
from gtalign_training.runs.spending import open_account
from gtalign_training.runs.words import SEATS, Service


def talk_table(plan: Plan) -> TalkTable:
    """Return the games in words of a plan, seeded.

    Args:
        plan: The plan; in words.
    """
    assert plan.words is not None, "a plan in words"
    table = TalkTable(plan.scenario, tasks=plan.words.tasks)
    table.keyed_by = plan.keyed_by
    table.seed(plan.seed)
    return table


def play_words(
    plan: Plan, episodes: Sequence[int], service: Service, folder: Path
) -> Generator[list[Played]]:
    """Yield the records of episodes, block by block, in the order of the episodes.

    Blocks begin at the multiples of their length, whatever has been played before: a model in this
    process, whose draws depend on its batch, then says the same in a run that was broken off.

    Args:
        plan: What is played; in words.
        episodes: Which of it.
        service: How models are reached.
        folder: The run's folder, for what is spent.

    Raises:
        RunError: The budget, the cassette or a local model cannot be used.
        MissingExtraError: A model needs what is not installed.
    """
    assert plan.words is not None, "a plan in words"
    table = talk_table(plan)
    size = plan.words.at_once
    with (
        open_account(folder, service.cap) as account,
        speakers(plan, service, account) as (user, assistant),
    ):
        if episodes and isinstance(assistant, LanguageAssistant) and assistant.steering is not None:
            require_continuing(assistant.model, service)
        for _, block in groupby(episodes, key=lambda episode: episode // size):
            indices = list(block)
            talks = [table.talk(table.open(episode)) for episode in indices]
            yield [
                record_dialogue(dialogue, seed=plan.seed)
                for dialogue in play(talks, user, assistant, indices=indices)
            ]


def require_prices(plan: Plan, service: Service) -> None:
    """Make sure that a budget can be kept to: every model on a server has a price.

    Args:
        plan: What is played.
        service: How models are reached.

    Raises:
        ScenarioError: There is a cap, and a model without a price.
    """
    if plan.words is None or service.cap is None or service.cassette_mode == "replay":
        return
    for seat, name in zip(SEATS, (plan.user, plan.assistant), strict=True):
        if needs_price(name) and plan.words.rates(seat) is None:
            raise ScenarioError(
                f"to keep to a budget, say what the {seat}'s model costs: --model-price "
                "INPUT,CACHED,OUTPUT,REASONING, USD per 1M tokens"
            )
    judge = plan.words.move_judge
    if judge is not None and not runs_here(judge) and judge != plan.assistant:
        raise ScenarioError(
            "to keep to a budget, moves are judged by a model in this process or by the assistant's "
            f"own, whose price is known; got {judge!r}"
        )


def needs_price(name: str) -> bool:
    """Return whether calls of a name may cost money: it is a model on a server.

    Args:
        name: Who sits in a seat, or judges.
    """
    return is_model(name) and not runs_here(name)


@contextmanager
def speakers(
    plan: Plan, service: Service, account: Account | None = None
) -> Iterator[tuple[Speaker, Speaker]]:
    """Give the speakers of both seats; cassettes are closed afterwards.

    Args:
        plan: The plan; in words.
        service: How models are reached.
        account: What their calls may cost; None without a cap.

    Raises:
        RunError: A cassette cannot be used.
    """
    words = plan.words
    assert words is not None, "a plan in words"
    with ExitStack() as stack:

        def opened(name: str, seat: str) -> ChatModel:
            return stack.enter_context(
                open_model(
                    name,
                    service,
                    account,
                    rates=words.rates(seat),
                    at_once=words.at_once,
                    continues=words.steer is not None or words.structured == "schema",
                    grammars=words.structured == "grammar",
                )
            )

        models = [
            opened(name, seat) if is_model(name) else None
            for seat, name in zip(SEATS, (plan.user, plan.assistant), strict=True)
        ]
        of_user, of_assistant = models
        user: Speaker
        if is_replayed(plan.user):
            user = replayed_user(plan.user, plan.seed)
        elif of_user is None:
            user = ScriptedUser(user_seat(plan.user))
        else:
            sampling = Sampling(words.user_max_tokens, words.temperature, seed=plan.seed)
            policy = user_seat(words.user_policy)
            user = LanguageUser(of_user, words.user_mode, policy, sampling)
        assistant: Speaker
        if of_assistant is None:
            assistant = ScriptedAssistant(assistant_seat(plan.assistant))
        else:
            sampling = Sampling(words.max_tokens, words.temperature, seed=plan.seed)
            steering = None if words.steer is None else Pricing(words.steer)
            judge = None
            if words.move_judge is not None:
                judge = opened(words.move_judge, "assistant")
            assistant = LanguageAssistant(
                of_assistant,
                words.format,
                steering,
                sampling,
                structured=words.structured,
                move_judge=judge,
            )
        yield user, assistant


class Pricing:
    """The edit of a written matrix that the regime of a game calls for.

    Args:
        price_sensitivity: λ̂, points per USD.
        before: The price that the model is told of in every game; None if it is told each game's
            own, and only what the edit adds counts.
    """

    def __init__(self, price_sensitivity: float, before: Regime | None = None) -> None:
        self.price_sensitivity = price_sensitivity
        self.before = before

    def __call__(self, spec: GameSpec) -> Edit:
        """Return the edit for a game."""
        return edit_for(
            spec.regime,
            usage_of_cells(spec),
            price_sensitivity=self.price_sensitivity,
            margin_weight=spec.margin_weight,
            cost=spec.cost,
            before=self.before,
        )


CONTINUES = Request(
    (Message("user", "Say: one two three"),), Sampling(max_tokens=1, temperature=0.0), prefix="one"
)
"""A turn to be continued, for one token: what a server that cannot do so refuses."""


def require_continuing(model: ChatModel, service: Service) -> None:
    """Make sure, before anything is paid for, that a model can go on with a halted turn.

    A server that takes such a turn and begins it anew is found out at its first answer.

    Args:
        model: The model whose matrices are to be edited.
        service: How it is reached; a replay asks nobody.

    Raises:
        RunError: It refuses to.
    """
    if service.cassette_mode == "replay" and service.cassette is not None:
        return
    (outcome,) = model.complete([CONTINUES])
    if isinstance(outcome, Fault) and outcome.kind == "refused":
        raise RunError(
            f"{without_login(model.name)} cannot continue a turn ({outcome.message}), and an edited "
            "matrix is of use only to a turn that goes on from it. Leave the matrices as written, or "
            "use a server that knows continue_final_message, such as vLLM or SGLang, or a model in "
            "this process (local:PATH)"
        )


@contextmanager
def open_model(
    name: str,
    service: Service,
    account: Account | None = None,
    *,
    rates: Rates | None = None,
    at_once: int = 32,
    continues: bool = False,
    grammars: bool = False,
) -> Iterator[ChatModel]:
    """Give a model by name, with its budget and its recorded calls; closed afterwards.

    Args:
        name: ``openai:URL#MODEL``, ``local:PATH`` or ``vllm:PATH``.
        service: How models are reached.
        account: What its calls may cost, shared with others; None without a cap.
        rates: What it costs, pico-USD per token.
        at_once: Most calls at once.
        continues: Whether turns will have to be continued.
        grammars: Whether turns will be held to a grammar.

    Raises:
        RunError: A cassette cannot be used.
    """
    bare = model_of(
        name,
        deadline=service.deadline,
        attempts=service.tries,
        at_once=at_once,
        continues=continues,
        grammars=grammars,
    )
    if service.cassette is not None and service.cassette_mode == "replay":
        with Cassette(None, service.cassette, "replay", name=bare.name) as cassette:
            yield cassette
        return
    model: ChatModel = bare
    if account is not None and rates is not None:
        # a model in this process fails before it has cost anything
        tries = 1 if runs_here(name) else service.tries
        model = Purse(bare, rates, account, tries)
    if service.cassette is None:
        yield model
        return
    with Cassette(model, service.cassette, service.cassette_mode) as cassette:
        yield cassette
