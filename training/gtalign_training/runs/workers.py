"""Episodes played by several processes, and handed back in order.

Every episode is a function of the plan and its index, so who plays it makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial

from gtalign_env.core.policies import AssistantSeat, UserSeat
from gtalign_env.envs.table import Table
from gtalign_training.crew import Crew
from gtalign_training.runs.folder import Plan
from gtalign_training.runs.record import Played, play, record
from gtalign_training.runs.seats import assistant_seat, user_seat

Chunk = Sequence[int]
Make = Callable[[Plan], tuple[UserSeat, AssistantSeat]]

CHUNK = 64
"""Most episodes that are played, written and acknowledged together."""


def named_seats(plan: Plan) -> tuple[UserSeat, AssistantSeat]:
    """Return fresh policies by the plan's names."""
    return user_seat(plan.user), assistant_seat(plan.assistant)


class Player:
    """Plays episodes of a plan.

    Args:
        plan: What is played.
        make: Makes the policies.
    """

    def __init__(self, plan: Plan, make: Make = named_seats) -> None:
        self.plan = plan
        self.user, self.assistant = make(plan)
        self.table = Table(plan.scenario)
        self.table.keyed_by = plan.keyed_by
        self.table.seed(plan.seed)

    def play(self, episode: int) -> Played:
        """Return the record of an episode."""
        conversation = self.table.open(episode)
        fault = play(conversation, self.user, self.assistant)
        return record(conversation, fault, seed=self.plan.seed, episode=episode)


def chunks_of(episodes: Sequence[int], workers: int) -> list[Chunk]:
    """Return episodes in pieces, small enough that every process gets several.

    Args:
        episodes: Their indices.
        workers: Number of processes.
    """
    size = max(1, min(CHUNK, len(episodes) // (8 * workers)))
    return [episodes[i : i + size] for i in range(0, len(episodes), size)]


def play_all(
    plan: Plan, episodes: Sequence[int], workers: int, make: Make = named_seats
) -> Generator[list[Played]]:
    """Yield the records of episodes, chunk by chunk, in the order of the episodes.

    Args:
        plan: What is played.
        episodes: Which of them.
        workers: Number of processes; with one, everything happens in this one.
        make: Makes the policies; must be importable where there are several processes.

    Raises:
        RunError: A process died, or could not play the game.
    """
    chunks = chunks_of(episodes, workers)
    if workers == 1:
        player = Player(plan, make)
        for chunk in chunks:
            yield [player.play(episode) for episode in chunk]
        return
    with Crew(partial(_player, plan, make), min(workers, max(1, len(chunks))), _named) as crew:
        yield from crew.work(chunks)


def _player(plan: Plan, make: Make) -> Callable[[Chunk], list[Played]]:
    player = Player(plan, make)
    return lambda chunk: [player.play(episode) for episode in chunk]


def _named(chunk: Chunk) -> str:
    return f"the episodes {chunk[0]} to {chunk[-1]}"
