"""Watches a router, which may go on for ever."""

import re
from pathlib import Path

from boards.tools import ToolError

PATIENCE = 60
"""Passes in which wires that are used twice must have become fewer than ever before.

What was routed in the end took 70 passes at most, and few of them in a row without a gain.
"""

PASS = re.compile(rb"iter=(\d+) wires=\d+ overused=(\d+)")


class RoutingWatch:
    """Looks into the log of nextpnr's router2, to be called now and then while it runs.

    Parameters
    ----------
    log : the file; what is there from before is not looked at.

    Raises
    ------
    ToolError : on a call, when wires that are used twice have not become fewer for `PATIENCE`
        passes; the message tells how many there are, and what to do.
    """

    def __init__(self, log: Path):
        self._log = log
        self._read = 0
        self._least: tuple[int, int] | None = None
        log.unlink(missing_ok=True)

    def __call__(self) -> None:
        """Look at what has been written since the last call."""
        if not self._log.exists():
            return
        with self._log.open("rb") as file:
            file.seek(self._read)
            # A line may be written in part.
            text = file.read().rpartition(b"\n")[0]
        self._read += len(text)
        for number, overused in PASS.findall(text):
            self._judge(int(number), int(overused))

    def _judge(self, number: int, overused: int) -> None:
        if self._least is None or overused < self._least[0]:
            self._least = overused, number
        least, at = self._least
        if number - at >= PATIENCE:
            raise ToolError(
                f"the router gets no further: {overused} wires are still used twice after "
                f"{number} passes, and {least} were after {at}; give it another --seed or a "
                "smaller array"
            )
