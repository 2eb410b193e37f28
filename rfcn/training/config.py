"""Everything that decides the result of a training."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from golden.errors import UserError
from rfcn.networks import find_network


class TrainingError(UserError):
    """A training cannot be done as asked; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of a training; two trainings with the same settings and data give the same network.

    Parameters
    ----------
    net : name of the network.
    iterations : steps of the optimizer.
    batch : images per step, over all processes together.
    learning_rate : of the weights, after the warm-up; biases of convolutions take `bias_rate`
        times as much.
    schedule : `steps`: a tenth from each of `drops` on; `cosine`: down to 0 along a cosine.
    drops : iterations, ascending; for `steps`.
    warm_up : iterations over which the learning rate rises from near 0 to its value.
    optimizer : `sgd`: stochastic gradient descent, as in py-R-FCN; `nadam`: a learning rate of its
        own for each weight, adapted to its gradients, with Nesterov's momentum.
    momentum, nesterov : of the descent; `nadam` always takes Nesterov's.
    weight_decay : for `sgd` a part of the gradient, for `nadam` a share by which weights shrink, in
        units of the learning rate; batch-norm is left alone.
    bias_rate : see `learning_rate`; 2 in py-R-FCN.
    clip : largest norm of the gradient; None to leave it as it is.
    flips : whether half of the images, by chance, are mirrored.
    proposals_before_nms, proposals_after_nms : the best so many are looked at and kept.
    anchor_batch : anchors of an image that take part in the loss.
    hard_regions : regions of an image that count, those with the largest loss.
    mixed_precision : half precision where it is safe, with a scaled loss; on GPUs only.
    seed : of weights, order, flips and draws.

    Raises
    ------
    TrainingError : a value that is not possible.
    NetworkError : no such network.
    """

    net: str
    iterations: int
    batch: int
    learning_rate: float
    schedule: str = "steps"
    drops: tuple[int, ...] = ()
    warm_up: int = 0
    optimizer: str = "sgd"
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    bias_rate: float = 2.0
    clip: float | None = None
    flips: bool = True
    proposals_before_nms: int = 6000
    proposals_after_nms: int = 300
    anchor_batch: int = 256
    hard_regions: int = 128
    mixed_precision: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "drops", tuple(self.drops))
        find_network(self.net)
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= least):
                raise TrainingError(f"{name} is {value}, but must be at least {least}")
        for name in POSITIVE:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise TrainingError(f"{name} is {value}, but must be above 0")
        if not 0 <= self.momentum < 1:
            raise TrainingError(f"momentum is {self.momentum}, but must be at least 0, below 1")
        if self.nesterov and not self.momentum:
            raise TrainingError("nesterov needs a momentum above 0")
        for kind, names in (("schedule", SCHEDULES), ("optimizer", OPTIMIZERS)):
            if getattr(self, kind) not in names:
                raise TrainingError(
                    f"no {kind} is called {getattr(self, kind)!r}; choose one of {', '.join(names)}"
                )
        if list(self.drops) != sorted({drop for drop in self.drops if drop > 0}):
            raise TrainingError(f"drops are {self.drops}, but must be positive and ascending")
        if self.drops and self.schedule != "steps":
            raise TrainingError(f"drops go with the schedule 'steps', not {self.schedule!r}")

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 0."""
        share = min(1.0, (step + 1) / (self.warm_up + 1))
        if self.schedule == "cosine":
            # Along what is left behind the warm-up.
            done = max(0, step - self.warm_up) / max(1, self.iterations - self.warm_up)
            return self.learning_rate * share * (1 + math.cos(math.pi * min(1.0, done))) / 2
        return self.learning_rate * share * 0.1 ** sum(step >= drop for drop in self.drops)

    def state(self) -> dict[str, Any]:
        """The settings as plain values, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "TrainingConfig":
        """The settings that `state` gave.

        Raises
        ------
        TrainingError : a setting is missing, unknown or not possible.
        """
        known = {field.name for field in fields(cls)}
        if state.keys() != known:
            odd = min(state.keys() ^ known)
            raise TrainingError(f"the settings of the checkpoint do not fit this version: {odd}")
        return cls(**state)


SCHEDULES = ("steps", "cosine")
"""How the learning rate falls."""

OPTIMIZERS = ("sgd", "nadam")
"""How weights follow their gradients."""

LEAST = {
    "warm_up": 0, "weight_decay": 0.0, "seed": 0, "iterations": 1, "batch": 1,
    "proposals_before_nms": 1, "proposals_after_nms": 1, "anchor_batch": 2, "hard_regions": 1,
}  # fmt: skip
POSITIVE = ("learning_rate", "bias_rate", "clip")


def default_config(net: str, *, retrain: bool = False, **changes: Any) -> TrainingConfig:
    """The usual settings of a network's training.

    Parameters
    ----------
    net : name of the network. The ResNets take the schedule of py-R-FCN and the LBW-Net paper from
        a pretrained backbone; `rfcn-tiny` learns the rendered shapes from nothing.
    retrain : whether it starts from a trained float network, to get used to quantized weights.
    changes : settings to replace; those that are None stay.

    Raises
    ------
    TrainingError, NetworkError : as `TrainingConfig`.
    """
    settings = dict(RETRAINING[net] if retrain and net in RETRAINING else {})
    if net in TRAINING:
        settings = {**TRAINING[net], **settings}
    else:
        settings = {**PASCAL_VOC, **settings}
    settings.update({name: value for name, value in changes.items() if value is not None})
    if settings.get("schedule") == "cosine" and "drops" not in changes:
        settings.pop("drops", None)
    return TrainingConfig(net=net, **settings)


PASCAL_VOC: dict[str, Any] = {
    # Two images a step: iter_size of py-R-FCN's solver.
    "iterations": 110_000,
    "batch": 2,
    "learning_rate": 1e-3,
    "schedule": "steps",
    "drops": (80_000, 110_000),
    "weight_decay": 5e-4,
}
"""Training on Pascal VOC 07+12."""

TRAINING: dict[str, dict[str, Any]] = {
    "rfcn-tiny": {
        "iterations": 2000,
        "batch": 8,
        "optimizer": "nadam",
        "learning_rate": 4e-3,
        "schedule": "cosine",
        "warm_up": 100,
        "weight_decay": 0.01,
        "bias_rate": 1.0,
        "proposals_before_nms": 600,
        "proposals_after_nms": 64,
        "anchor_batch": 128,
        "hard_regions": 32,
    },
}
"""Training of networks that start from nothing."""

RETRAINING: dict[str, dict[str, Any]] = {
    "rfcn-tiny": {"iterations": 600, "learning_rate": 1e-3, "warm_up": 20},
}
"""What is different when a trained float network is retrained with quantized weights."""
