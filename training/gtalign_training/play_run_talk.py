"""Episodes in words: speakers by the plan's names, dialogues in step, records like any other's."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path

from gtalign_agents.backends.cassette import Cassette
from gtalign_agents.backends.chat import ChatModel, Sampling
from gtalign_agents.backends.local import LocalModel
from gtalign_agents.backends.named import is_model, model_of
from gtalign_agents.backends.purse import Account, Purse
from gtalign_agents.dialogue.assistant import LanguageAssistant
from gtalign_agents.dialogue.play import play
from gtalign_agents.dialogue.speaker import ScriptedAssistant, ScriptedUser, Speaker
from gtalign_agents.dialogue.user import LanguageUser
from gtalign_agents.steering import Edit, edit_for, usage_of_cells
from gtalign_env.core.spec import GameSpec
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.errors import ScenarioError
from gtalign_training.play_run_episode import Played, record_dialogue
from gtalign_training.play_run_folder import Plan
from gtalign_training.play_run_seats import assistant_seat, user_seat
from gtalign_training.play_run_spending import open_account
from gtalign_training.play_run_words import SEATS, Service, Words


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
        on_server = is_model(name) and not isinstance(model_of(name), LocalModel)
        if on_server and plan.words.rates(seat) is None:
            raise ScenarioError(
                f"to keep to a budget, say what the {seat}'s model costs: --model-price "
                "INPUT,CACHED,OUTPUT,REASONING, USD per 1M tokens"
            )


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
        models = [
            stack.enter_context(_model(name, seat, words, service, account))
            if is_model(name)
            else None
            for seat, name in zip(SEATS, (plan.user, plan.assistant), strict=True)
        ]
        of_user, of_assistant = models
        user: Speaker
        if of_user is None:
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
            assistant = LanguageAssistant(of_assistant, words.format, steering, sampling)
        yield user, assistant


class Pricing:
    """The edit of a written matrix that the regime of a game calls for.

    Args:
        price_sensitivity: λ̂, points per USD.
    """

    def __init__(self, price_sensitivity: float) -> None:
        self.price_sensitivity = price_sensitivity

    def __call__(self, spec: GameSpec) -> Edit:
        """Return the edit for a game."""
        return edit_for(
            spec.regime,
            usage_of_cells(spec),
            price_sensitivity=self.price_sensitivity,
            margin_weight=spec.margin_weight,
            cost=spec.cost,
        )


@contextmanager
def _model(
    name: str, seat: str, words: Words, service: Service, account: Account | None
) -> Iterator[ChatModel]:
    bare = model_of(
        name,
        deadline=service.deadline,
        attempts=service.tries,
        at_once=words.at_once,
        continues=words.steer is not None,
    )
    if service.cassette is not None and service.cassette_mode == "replay":
        with Cassette(None, service.cassette, "replay", name=bare.name) as cassette:
            yield cassette
        return
    model: ChatModel = bare
    rates = words.rates(seat)
    if account is not None and rates is not None:
        # a model in this process fails before it has cost anything
        tries = 1 if isinstance(bare, LocalModel) else service.tries
        model = Purse(bare, rates, account, tries)
    if service.cassette is None:
        yield model
        return
    with Cassette(model, service.cassette, service.cassette_mode) as cassette:
        yield cassette
