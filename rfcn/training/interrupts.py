"""Ctrl-C and SIGTERM, kept until a step is done."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether somebody wants the training to stop.

    The first signal is remembered, the second one acts at once, as it would without this.
    """

    def __init__(self) -> None:
        self.asked = False
        self.previous = {}

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(number, self.previous[number])


@contextmanager
def postponed_interrupts() -> Iterator[Interruption]:
    """Remember signals instead of obeying them; in the main thread only."""
    interruption = Interruption()
    for number in SIGNALS:
        interruption.previous[number] = signal.signal(number, interruption._ask)
    try:
        yield interruption
    finally:
        for number, handler in interruption.previous.items():
            signal.signal(number, handler)
