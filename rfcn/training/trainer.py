"""Training, step by step, from the beginning or from a checkpoint."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rfcn.data.batches import Batch, Batches
from rfcn.data.voc import Sample
from rfcn.model.network import RFCN
from rfcn.networks import find_network
from rfcn.training.checkpoints import (
    Checkpoint,
    CheckpointError,
    load_weights,
    write_checkpoint,
)
from rfcn.training.config import TrainingConfig, TrainingError
from rfcn.training.detector import detector_losses
from rfcn.training.interrupts import postponed_interrupts
from rfcn.training.losses import LOSSES
from rfcn.training.losslog import LossLog
from rfcn.training.processes import Processes

CHECKPOINT_FILE, LOSS_FILE, NETWORK_FILE = "checkpoint.pt", "losses.csv", "network.pt"
"""Files in a training's folder: to go on from, the log, and the trained network."""


class Trainer:
    """A network in training.

    Parameters
    ----------
    config : the settings.
    samples : the images with their objects.
    processes : this process and those it trains together with.
    log_every : steps of a row of the log.
    ahead : batches that are loaded while one is in use, each by a thread of its own.

    Attributes
    ----------
    model : the network.
    done : steps that are done.
    log : the losses.

    Raises
    ------
    TrainingError : a batch that cannot be shared by the processes.
    DatasetError : no image has an object to train on.
    """

    def __init__(
        self,
        config: TrainingConfig,
        samples: Sequence[Sample],
        *,
        processes: Processes | None = None,
        log_every: int = 20,
        ahead: int = 0,
    ) -> None:
        self.config = config
        self.processes = processes or Processes()
        self.network = find_network(config.net)
        share, rest = divmod(config.batch, self.processes.count)
        if rest:
            raise TrainingError(
                f"{config.batch} images a step cannot be shared by {self.processes.count} "
                f"processes: give a multiple as the batch"
            )
        self.batches = Batches(
            samples=samples, network=self.network, size=share, seed=config.seed,
            flip=config.flips, rank=self.processes.rank, processes=self.processes.count,
        )  # fmt: skip
        torch.manual_seed(config.seed)
        self.device = self.processes.device
        self.model = RFCN(config.net).to(self.device)
        self.optimizer = _optimizer(self.model, config)
        self.half = config.mixed_precision and self.device.type == "cuda"
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.half)
        self.log = LossLog(every=log_every)
        self.ahead = ahead
        self.done = 0
        self._wrapped = self.processes.wrap(self.model)

    def run(
        self,
        folder: Path,
        *,
        checkpoint_every: int = 500,
        progress: Callable[[int, dict[str, float]], None] | None = None,
        saved: Callable[[], None] | None = None,
    ) -> bool:
        """Train until all steps are done, or until somebody interrupts.

        Parameters
        ----------
        folder : gets the checkpoint, the log of losses and in the end the network.
        checkpoint_every : steps from one checkpoint to the next; there is also one at the end
            and when Ctrl-C or SIGTERM comes.
        progress : called after each step with the steps done and the losses.
        saved : called in the first process when files have been written.

        Returns
        -------
        Whether all steps are done.

        Raises
        ------
        TrainingError : the loss is no finite number any more.
        """
        finished = self.done >= self.config.iterations
        place = divmod(self.done, len(self.batches))
        batches = self.batches.iterate(*place, ahead=self.ahead)
        with postponed_interrupts() as interruption:
            while not finished:
                losses = self.advance(next(batches))
                if progress:
                    progress(self.done, losses)
                finished = self.done >= self.config.iterations
                stopped = self.processes.any(interruption.asked)
                if finished or stopped or self.done % checkpoint_every == 0:
                    self.save(folder)
                    if saved and self.processes.first:
                        saved()
                if stopped:
                    break
        batches.close()
        return finished

    def advance(self, batch: Batch) -> dict[str, float]:
        """One step of the optimizer; the losses before it."""
        rate = self.config.rate(self.done)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self.model.train()
        rng = np.random.default_rng((self.config.seed, self.done, self.processes.rank))
        images = torch.from_numpy(batch.images).to(self.device, non_blocking=True)
        with torch.autocast(self.device.type, enabled=self.half):
            maps = self._wrapped(images)
        losses = detector_losses(maps, batch, self.network, self.config, rng)
        self._descend(losses.sum())
        values = self.processes.mean(losses.detach()).tolist()
        self.done += 1
        if not np.isfinite(values).all():
            raise TrainingError(
                f"the loss of step {self.done} is no finite number: lower the learning rate, or "
                f"clip the gradient"
            )
        self.log.add(self.done, rate, values)
        return dict(zip(LOSSES, values, strict=True))

    def _descend(self, loss: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        if self.config.clip is not None:
            self.scaler.unscale_(self.optimizer)
            trained = [p for group in self.optimizer.param_groups for p in group["params"]]
            nn.utils.clip_grad_norm_(trained, self.config.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def save(self, folder: Path) -> None:
        """Write checkpoint and log, and the network when all steps are done."""
        if self.processes.first:
            write_checkpoint(folder / CHECKPOINT_FILE, self.checkpoint())
            self.log.write(folder / LOSS_FILE)
            if self.done >= self.config.iterations:
                write_checkpoint(folder / NETWORK_FILE, self.checkpoint(network_only=True))
        self.processes.wait()

    def checkpoint(self, *, network_only: bool = False) -> Checkpoint:
        """All there is to go on from, or just the network."""
        training = {
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "log": self.log.state(),
            "random": torch.get_rng_state(),
            **self._surroundings(),
        }
        return Checkpoint(
            net=self.config.net,
            step=self.done,
            model=self.model.state_dict(),
            config=self.config.state(),
            training=None if network_only else training,
        )

    def resume(self, checkpoint: Checkpoint, path: Path) -> None:
        """Go on from a checkpoint of the same training, which `check_same_training` has let pass.

        Raises
        ------
        CheckpointError : the data set or the number of processes is another, or the file is
            damaged.
        """
        training = checkpoint.training or {}
        for name, value in self._surroundings().items():
            if training.get(name) != value:
                raise CheckpointError(
                    f"{path} is of a training with {training.get(name)} {name}, but now there are "
                    f"{value}: go on with what it began with, or give another output folder"
                )
        load_weights(self.model, checkpoint.model, path)
        self.optimizer.load_state_dict(training["optimizer"])
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(training["scaler"])
        torch.set_rng_state(training["random"])
        self.log = LossLog(**training["log"])
        self.done = checkpoint.step

    def start_from(self, checkpoint: Checkpoint, path: Path) -> None:
        """Begin with the weights of a trained network.

        Raises
        ------
        CheckpointError : a parameter is missing, odd or of another shape.
        """
        load_weights(self.model, checkpoint.model, path)

    def _surroundings(self) -> dict[str, int]:
        """What has to be there again when the training goes on."""
        return {"images": len(self.batches.samples), "processes": self.processes.count}


def _optimizer(model: RFCN, config: TrainingConfig) -> torch.optim.SGD:
    weights: list[nn.Parameter] = []
    biases: list[nn.Parameter] = []
    norms: list[nn.Parameter] = []
    for convolution in model.convolutions.values():
        weights.append(convolution.weight)
        if convolution.bias is not None:
            biases.append(convolution.bias)
        if convolution.norm is not None:
            norms += convolution.norm.parameters()
    groups: list[dict[str, Any]] = []
    for parameters, factor, decay in (
        (weights, 1.0, config.weight_decay),
        (biases, config.bias_rate, config.weight_decay),
        (norms, 1.0, 0.0),
    ):
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        if trained:
            groups.append({"params": trained, "factor": factor, "weight_decay": decay})
    return torch.optim.SGD(
        groups, lr=config.learning_rate, momentum=config.momentum, nesterov=config.nesterov
    )
