"""The log of a training's losses."""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from golden.files import replacing
from rfcn.training.losses import LOSSES

PARTS = (*LOSSES, "recipe")
"""The parts of what training reduces: the detector's, and what quantized training adds."""

COLUMNS = ("step", "rate", "loss", *PARTS)
"""Of the log: steps done, learning rate, the sum of the parts, the parts; means since the last."""


@dataclass(kw_only=True)
class LossLog:
    """Mean losses over every so many steps.

    Parameters
    ----------
    every : steps in a row of the log.
    rows : of the columns `COLUMNS`.
    sums : of the losses since the last row.
    """

    every: int
    rows: list[list[float]] = field(default_factory=list)
    sums: list[float] = field(default_factory=lambda: [0.0] * len(PARTS))

    def add(self, step: int, rate: float, losses: list[float]) -> None:
        """Add the losses of a step; `step` counts those that are done, from 1."""
        self.sums = [total + loss for total, loss in zip(self.sums, losses, strict=True)]
        if step % self.every == 0:
            means = [total / self.every for total in self.sums]
            self.rows.append([step, rate, sum(means), *means])
            self.sums = [0.0] * len(PARTS)

    def state(self) -> dict[str, Any]:
        """The log as plain values, for a checkpoint."""
        return {"every": self.every, "rows": self.rows, "sums": self.sums}

    def write(self, path: Path) -> None:
        """Write the rows as CSV, whole or not at all."""
        with replacing(path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([int(row[0]), *(f"{value:.6g}" for value in row[1:])]
                             for row in self.rows)  # fmt: skip
