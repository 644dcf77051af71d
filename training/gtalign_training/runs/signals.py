"""A clean end when a run is interrupted: never in the middle of a write."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """The system asked the process to end."""


class Stoppable:
    """Turns an interruption into an exception, at once or, while it is held, afterwards.

    Both signals count; a second one changes nothing, as the end is under way. Outside the main
    thread no signal arrives, and nothing is done.
    """

    def __init__(self) -> None:
        self._holds = 0
        self._asked: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Put an interruption off until the end of the block."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        if self._asked is not None and not self._holds:
            self._stop()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked is not None:
            return
        self._asked = number
        if not self._holds:
            self._stop()

    def _stop(self) -> None:
        raise Terminated if self._asked == signal.SIGTERM else KeyboardInterrupt
