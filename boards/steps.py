"""The steps of a build."""

import json
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from boards.stamp import Stamp
from boards.tools import KIB, Usage


@dataclass(frozen=True, kw_only=True)
class StepReport:
    """What a step took when it was done; `kept` if that was in a build before."""

    name: str
    usage: Usage
    kept: bool


class Steps:
    """Does the steps of a build in a folder, and keeps what comes out the same again.

    Parameters
    ----------
    folder : takes the files.
    telling : called with what is done next.

    Members
    -------
    reports : of the steps so far.
    """

    def __init__(self, folder: Path, telling: Callable[[str], None] = lambda what: None):
        self.folder = folder
        self.reports: list[StepReport] = []
        self._telling = telling
        folder.mkdir(parents=True, exist_ok=True)

    def do(
        self, name: str, work: Callable[[], Usage | None], *, result: str, sources: tuple[str, ...]
    ) -> None:
        """Do a step, unless its result is there and was made from the same sources.

        Parameters
        ----------
        work : makes the file `result`. It returns what it took when that was in another process.
        sources : all that the result depends on.
        """
        stamp = Stamp(self.folder / f"{result}.sha256", *sources)
        taken = self.folder / f"{result}.usage.json"
        kept = stamp.holds(self.folder / result) and taken.exists()
        if not kept:
            self._telling(name)
            started = time.monotonic()
            usage = work() or Usage(
                seconds=time.monotonic() - started,
                peak_bytes=KIB * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            )
            taken.write_text(json.dumps(asdict(usage)) + "\n")
            stamp.set()
        usage = Usage(**json.loads(taken.read_text()))
        self.reports.append(StepReport(name=name, usage=usage, kept=kept))
