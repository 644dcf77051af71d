"""Episodes played by several processes, and handed back in order.

Every episode is a function of the plan and its index, so who plays it makes no difference. Each
process has a pipe of its own: when the parent dies, however suddenly, its end closes and the child
ends with it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection, get_context
from typing import Any

from gtalign_env.core.policies import AssistantSeat, UserSeat
from gtalign_env.envs.table import Table
from gtalign_env.errors import GTAlignError, RunError
from gtalign_training.play_run_episode import Played, play, record
from gtalign_training.play_run_folder import Plan
from gtalign_training.play_run_seats import assistant_seat, user_seat

Chunk = Sequence[int]
Make = Callable[[Plan], tuple[UserSeat, AssistantSeat]]

CHUNK = 64
"""Most episodes that are played, written and acknowledged together."""
AHEAD = 4
"""Chunks for each process that may be finished before an earlier one is."""
PATIENCE = 2.0
"""Seconds that a process gets to end before it is killed."""


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
    with _Crew(plan, min(workers, max(1, len(chunks))), make) as crew:
        yield from crew.play(chunks)


@dataclass
class _Worker:
    process: Any
    pipe: Any
    chunk: int = -1
    """Index of the chunk that it is playing; −1 while it waits."""


class _Crew:
    def __init__(self, plan: Plan, size: int, make: Make) -> None:
        self._plan, self._make, self._size = plan, make, size
        self._workers: list[_Worker] = []

    def __enter__(self) -> _Crew:
        context = get_context("spawn")  # fork is not safe beside threads, and torch has some
        # Ctrl-C reaches the whole group; the children inherit that they do not hear it, and end
        # when the parent ends them
        heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for _ in range(self._size):
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=_serve, args=(theirs, self._plan, self._make), daemon=True
                )
                process.start()
                theirs.close()
                self._workers.append(_Worker(process, ours))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.pipe.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(PATIENCE)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def play(self, chunks: Sequence[Chunk]) -> Iterator[list[Played]]:
        done: dict[int, list[Played]] = {}
        given = following = 0
        while following < len(chunks):
            for worker in self._workers:
                room = given < min(len(chunks), following + AHEAD * self._size)
                if worker.chunk < 0 and room:
                    self._give(worker, chunks, given)
                    given += 1
            busy = [worker for worker in self._workers if worker.chunk >= 0]
            ready = connection.wait([worker.pipe for worker in busy])
            for worker in busy:
                if worker.pipe in ready:
                    done[worker.chunk] = self._take(worker, chunks)
                    worker.chunk = -1
            while following in done:
                yield done.pop(following)
                following += 1

    def _give(self, worker: _Worker, chunks: Sequence[Chunk], index: int) -> None:
        worker.chunk = index
        try:
            worker.pipe.send(list(chunks[index]))
        except OSError:
            raise self._died(worker, chunks) from None

    def _take(self, worker: _Worker, chunks: Sequence[Chunk]) -> list[Played]:
        try:
            result = worker.pipe.recv()
        except (EOFError, OSError):
            raise self._died(worker, chunks) from None
        if isinstance(result, str):
            raise RunError(result)
        played: list[Played] = result
        return played

    def _died(self, worker: _Worker, chunks: Sequence[Chunk]) -> RunError:
        worker.process.join(PATIENCE)
        chunk = chunks[worker.chunk]
        return RunError(
            f"a process that played the episodes {chunk[0]} to {chunk[-1]} died (exit code "
            f"{worker.process.exitcode}); what is finished is kept, go on with --resume"
        )


def _serve(pipe: Any, plan: Plan, make: Make) -> None:
    """Play the chunks that come through a pipe until it closes."""
    try:
        player: Player | None = None
        while True:
            chunk = pipe.recv()
            try:
                player = player or Player(plan, make)
                answer: Any = [player.play(episode) for episode in chunk]
            except GTAlignError as error:
                answer = str(error)  # not every error can be pickled
            pipe.send(answer)
    except (EOFError, OSError):
        return  # the parent has gone, or wants no more
