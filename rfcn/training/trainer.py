"""Training, step by step, from the beginning or from a checkpoint."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rfcn.data.batches import Batch, Batches
from rfcn.data.voc import Sample
from rfcn.model.network import RFCN
from rfcn.networks import find_network
from rfcn.quantized.guide import Guide
from rfcn.quantized.settings import Recipe
from rfcn.quantized.training import QuantizedTraining
from rfcn.training.checkpoints import (
    Checkpoint,
    CheckpointError,
    load_weights,
    write_checkpoint,
)
from rfcn.training.config import TrainingConfig, TrainingError
from rfcn.training.detector import detector_losses
from rfcn.training.interrupts import postponed_interrupts
from rfcn.training.losslog import PARTS, LossLog
from rfcn.training.processes import Processes
from rfcn.training.trained import network_only

CALIBRATION_STEPS = 16
"""Batches of training images on which the steps of activations are found."""

CHECKPOINT_FILE, LOSS_FILE, NETWORK_FILE = "checkpoint.pt", "losses.csv", "network.pt"
"""Files in a training's folder: to go on from, the log, and the trained network."""


class Trainer:
    """A network in training.

    Parameters
    ----------
    config : the settings.
    samples : the images with their objects.
    recipe : how weights and activations are quantized; None or an empty one for float training.
    initialize : gives the network, on the CPU, other weights than random ones, before they are
        quantized.
    processes : this process and those it trains together with.
    log_every : steps of a row of the log.
    ahead : batches that are loaded while one is in use, each by a thread of its own.

    Attributes
    ----------
    model : the network.
    quantized : the recipe at work on it.
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
        recipe: Recipe | None = None,
        initialize: Callable[[RFCN], object] | None = None,
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
        self.model = RFCN(config.net)
        if initialize:
            initialize(self.model)
        self.recipe = recipe or Recipe()
        self.quantized = QuantizedTraining(self.model, self.recipe)
        networks = _Networks(self.model, self.quantized.guide).to(self.device)
        self._networks = self.processes.wrap(networks)
        self.optimizer = _optimizer(networks, config)
        self.half = config.mixed_precision and self.device.type == "cuda"
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.half)
        self.log = LossLog(every=log_every)
        self.ahead = ahead
        self.done = 0

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
        with closing(batches), postponed_interrupts() as interruption:
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
        return finished

    def advance(self, batch: Batch) -> dict[str, float]:
        """One step of the optimizer; the losses before it."""
        rate = self.config.rate(self.done)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self._networks.train()
        self.quantized.begin(self.done, self._calibration_images)
        with torch.autocast(self.device.type, enabled=self.half):
            maps, hints = self._networks(self._pixels(batch))
        parts = self._losses(maps, batch)
        extra = parts.new_zeros(()) + self.quantized.penalty() + hints
        if len(maps) > 1:
            extra = extra + self._losses(maps[1:], batch).sum()
        losses = torch.cat([parts, extra[None]])
        self._descend(losses.sum())
        values = self.processes.mean(losses.detach()).tolist()
        self.done += 1
        if not np.isfinite(values).all():
            raise TrainingError(
                f"the loss of step {self.done} is no finite number: lower the learning rate, or "
                f"clip the gradient"
            )
        self.log.add(self.done, rate, values)
        return dict(zip(PARTS, values, strict=True))

    def _losses(self, maps: Sequence[dict[str, Tensor]], batch: Batch) -> Tensor:
        """The detector's losses of the first of `maps`; both networks see the same anchors."""
        rng = np.random.default_rng((self.config.seed, self.done, self.processes.rank))
        return detector_losses(maps[0], batch, self.network, self.config, rng)

    def _descend(self, loss: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        if self.config.clip is not None:
            trained = [p for group in self.optimizer.param_groups for p in group["params"]]
            nn.utils.clip_grad_norm_(trained, self.config.clip)
        self.quantized.before_step()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.quantized.after_step()

    def _pixels(self, batch: Batch) -> Tensor:
        return torch.from_numpy(batch.images).to(self.device, non_blocking=True)

    def _calibration_images(self) -> Iterator[Tensor]:
        """The first images of the data, on which activations find their steps."""
        for step in range(min(CALIBRATION_STEPS, len(self.batches))):
            yield self._pixels(self.batches.load(0, step))

    def save(self, folder: Path) -> None:
        """Write checkpoint and log, and the network when all steps are done."""
        if self.processes.first:
            checkpoint = self.checkpoint()
            if self.done >= self.config.iterations:
                # First, so that a training that is done according to its checkpoint has it.
                write_checkpoint(folder / NETWORK_FILE, network_only(checkpoint))
            self.log.write(folder / LOSS_FILE)
            write_checkpoint(folder / CHECKPOINT_FILE, checkpoint)
        self.processes.wait()

    def checkpoint(self) -> Checkpoint:
        """All there is to go on from."""
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
            recipe=self.recipe.as_dict(),
            quantized=self.quantized.state_dict(),
            training=training,
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
        self.quantized.load_state_dict(checkpoint.quantized)
        self.optimizer.load_state_dict(training["optimizer"])
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(training["scaler"])
        torch.set_rng_state(training["random"])
        self.log = LossLog(**training["log"])
        self.done = checkpoint.step

    def _surroundings(self) -> dict[str, int]:
        """What has to be there again when the training goes on."""
        return {"images": len(self.batches.samples), "processes": self.processes.count}


class _Networks(nn.Module):
    """All that is trained, with a single forward pass: the network, and its guide."""

    def __init__(self, model: RFCN, guide: Guide | None) -> None:
        super().__init__()
        self.model = model
        self.guide = guide

    def forward(self, images: Tensor) -> tuple[list[dict[str, Tensor]], Tensor | float]:
        """The maps of the network and of a guide that learns, and the loss of the hints."""
        if self.guide is None:
            return [self.model(images)], 0.0
        with self.guide.watch(self.model) as seen:
            maps = [self.model(images), self.guide(images)]
        return maps if self.guide.settings.train else maps[:1], self.guide.loss(seen)


def _optimizer(networks: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """The descent on weights, biases of convolutions, and all else."""
    weights: list[nn.Parameter] = []
    biases: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for module in networks.modules():
        for name, parameter in module.named_parameters(recurse=False):
            kind = others
            if isinstance(module, nn.Conv2d):
                kind = weights if name == "weight" else biases
            kind.append(parameter)
    groups: list[dict[str, Any]] = []
    for parameters, factor, decay in (
        (weights, 1.0, config.weight_decay),
        (biases, config.bias_rate, config.weight_decay),
        (others, 1.0, 0.0),
    ):
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        if trained:
            groups.append({"params": trained, "factor": factor, "weight_decay": decay})
    if config.optimizer == "nadam":
        return torch.optim.NAdam(
            groups, lr=config.learning_rate, betas=(config.momentum, 0.999),
            decoupled_weight_decay=True,
        )  # fmt: skip
    return torch.optim.SGD(
        groups, lr=config.learning_rate, momentum=config.momentum, nesterov=config.nesterov
    )
