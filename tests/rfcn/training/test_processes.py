"""Devices, and several processes that train together."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from rfcn.data.batches import Batches
from rfcn.training.checkpoints import read_checkpoint
from rfcn.training.config import TrainingError, default_config
from rfcn.training.detector import detector_losses
from rfcn.training.processes import Processes, choose_device, join_processes
from rfcn.training.trainer import NETWORK_FILE, Trainer

ROOT = Path(__file__).parents[3]


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda")
    for name in ("abacus", "meta", "cuda:99"):
        with pytest.raises(TrainingError, match=name):
            choose_device(name)


def test_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with join_processes("cpu") as processes:
        assert processes == Processes()
        assert processes.first
        assert processes.any(True)
        assert not processes.any(False)
        processes.wait()


@pytest.mark.slow
def test_two_processes_descend_along_the_mean_of_their_gradients(shapes, samples, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "cli.main", "train", "--data", shapes, "--split", "train",
        "--output", tmp_path, "--iterations", "1", "--batch", "4", "--warm-up", "0",
        "--device", "cpu",
    ]  # fmt: skip
    together = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    workers = [
        subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **together, "RANK": rank, "LOCAL_RANK": rank}
        )
        for rank in ("0", "1")
    ]
    assert [worker.wait(timeout=300) for worker in workers] == [0, 0]
    found = read_checkpoint(tmp_path / NETWORK_FILE).model

    config = default_config("rfcn-tiny", iterations=1, batch=4, warm_up=0)
    trainers = [Trainer(config, samples) for _ in range(2)]
    gradients = [first_gradients(*part, samples) for part in enumerate(trainers)]
    first = trainers[0]
    for parameter, *of_ranks in zip(first.model.parameters(), *gradients, strict=True):
        parameter.grad = (of_ranks[0] + of_ranks[1]) / 2
    if config.clip is not None:
        torch.nn.utils.clip_grad_norm_(list(first.model.parameters()), config.clip)
    for group in first.optimizer.param_groups:
        group["lr"] = config.rate(0) * group["factor"]
    first.optimizer.step()
    for name, value in first.model.named_parameters():
        torch.testing.assert_close(found[name], value.detach(), rtol=1e-4, atol=1e-6)


def first_gradients(rank, trainer, samples):
    """The gradients of one of two processes in its first step."""
    batches = Batches(samples=samples, network=trainer.network, size=2, seed=0, rank=rank,
                      processes=2)  # fmt: skip
    batch = batches.load(0, 0)
    trainer.model.train()
    maps = trainer.model(torch.from_numpy(batch.images))
    rng = np.random.default_rng((0, 0, rank))
    losses = detector_losses(maps, batch, trainer.network, trainer.config, rng)
    losses.sum().backward()
    return [parameter.grad for parameter in trainer.model.parameters()]
