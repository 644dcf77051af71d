"""Pieces of work done by several processes, and handed back in order.

Each process has a pipe of its own: when the parent dies, however suddenly, its end closes and the
child ends with it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection, get_context
from typing import Any, Generic, TypeVar

from gtalign_env.errors import GTAlignError, RunError

Piece = TypeVar("Piece")
Result = TypeVar("Result")

AHEAD = 4
"""Pieces for each process that may be finished before an earlier one is."""
PATIENCE = 2.0
"""Seconds that a process gets to end before it is killed."""


@dataclass
class _Worker:
    process: Any
    pipe: Any
    piece: int = -1
    """Index of the piece that it is at; −1 while it waits."""


class Crew(Generic[Piece, Result]):
    """Processes that work as long as the block lasts.

    Args:
        prepare: Makes, once in each process, what does a piece; can be pickled.
        size: How many processes.
        name: What to call a piece, in words.
    """

    def __init__(
        self,
        prepare: Callable[[], Callable[[Piece], Result]],
        size: int,
        name: Callable[[Piece], str],
    ) -> None:
        self._prepare, self._size, self._name = prepare, size, name
        self._workers: list[_Worker] = []

    def __enter__(self) -> Crew[Piece, Result]:
        context = get_context("spawn")  # fork is not safe beside threads, and torch has some
        # Ctrl-C reaches the whole group; the children inherit that they do not hear it, and end
        # when the parent ends them
        heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for _ in range(self._size):
                ours, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(theirs, self._prepare), daemon=True)
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

    def work(self, pieces: Sequence[Piece]) -> Iterator[Result]:
        """Yield what comes of each piece, in their order.

        Args:
            pieces: What is to be done.

        Raises:
            RunError: A process died, or could not do its piece.
        """
        done: dict[int, Result] = {}
        given = following = 0
        while following < len(pieces):
            for worker in self._workers:
                room = given < min(len(pieces), following + AHEAD * self._size)
                if worker.piece < 0 and room:
                    self._give(worker, pieces, given)
                    given += 1
            busy = [worker for worker in self._workers if worker.piece >= 0]
            ready = connection.wait([worker.pipe for worker in busy])
            for worker in busy:
                if worker.pipe in ready:
                    done[worker.piece] = self._take(worker, pieces)
                    worker.piece = -1
            while following in done:
                yield done.pop(following)
                following += 1

    def _give(self, worker: _Worker, pieces: Sequence[Piece], index: int) -> None:
        worker.piece = index
        try:
            worker.pipe.send(pieces[index])
        except OSError:
            raise self._died(worker, pieces) from None

    def _take(self, worker: _Worker, pieces: Sequence[Piece]) -> Result:
        try:
            result = worker.pipe.recv()
        except (EOFError, OSError):
            raise self._died(worker, pieces) from None
        if isinstance(result, _Failed):
            raise RunError(result.message)
        found: Result = result
        return found

    def _died(self, worker: _Worker, pieces: Sequence[Piece]) -> RunError:
        worker.process.join(PATIENCE)
        return RunError(
            f"a process that played {self._name(pieces[worker.piece])} died (exit code "
            f"{worker.process.exitcode}); what is finished is kept, go on with --resume"
        )


@dataclass(frozen=True)
class _Failed:
    """An error made on purpose; not every one can be pickled itself."""

    message: str


def _serve(pipe: Any, prepare: Callable[[], Callable[[Any], Any]]) -> None:
    """Do the pieces that come through a pipe until it closes."""
    try:
        work: Callable[[Any], Any] | None = None
        while True:
            piece = pipe.recv()
            try:
                work = work or prepare()
                answer = work(piece)
            except GTAlignError as error:
                answer = _Failed(str(error))
            pipe.send(answer)
    except (EOFError, OSError):
        return  # the parent has gone, or wants no more
