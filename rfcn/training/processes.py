"""The processes of a training: one, or as many as `torchrun` starts.

Source: the environment that torchrun sets (RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR, ...).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from rfcn.training.config import TrainingError


@dataclass(frozen=True, kw_only=True)
class Processes:
    """Which process of those that train together this one is.

    Parameters
    ----------
    rank : from 0; 0 writes the files.
    count : how many there are.
    device : where this one computes.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this process writes files and tells of progress."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """The module whose gradients are averaged over all processes.

        Statistics of batch-norms in training stay each process's own; those of the first are kept.
        """
        if self.count == 1:
            return model
        devices = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(model, device_ids=devices, broadcast_buffers=False)

    def any(self, here: bool) -> bool:
        """Whether something holds in any process; all have to ask."""
        if self.count == 1:
            return here
        flag = torch.tensor(int(here), device=self.device)
        distributed.all_reduce(flag, distributed.ReduceOp.MAX)
        return bool(flag.item())

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The mean of `values` over the processes; all have to ask."""
        if self.count == 1:
            return values
        distributed.all_reduce(values)
        return values / self.count

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            distributed.barrier()


def choose_device(name: str) -> torch.device:
    """The device that a user names: `auto` is a GPU where there is one.

    Raises
    ------
    TrainingError : no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise TrainingError(
            f"no device is called {name!r}; choose auto, cpu, cuda, cuda:0, ..."
        ) from None
    if device.type not in ("cpu", "cuda"):
        raise TrainingError(f"the device is {name}, but must be cpu or cuda")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise TrainingError(f"there is no GPU {name} that torch can use; choose --device cpu")
    return device


@contextmanager
def join_processes(device: str) -> Iterator[Processes]:
    """Join the processes that torchrun started; alone where it did not.

    Parameters
    ----------
    device : as for `choose_device`; of several processes each takes the GPU of its own number.

    Raises
    ------
    TrainingError : no such device.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(device=choose_device(device))
        return
    chosen = choose_device(device)
    if chosen.type == "cuda":
        chosen = choose_device(f"cuda:{os.environ['LOCAL_RANK']}")
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Processes(rank=distributed.get_rank(), count=count, device=chosen)
    finally:
        distributed.destroy_process_group()
