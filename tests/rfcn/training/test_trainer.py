"""Training goes on to the bit, stops when asked, and does what the rule says."""

import csv
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from rfcn.model.network import RFCN
from rfcn.quantized.settings import (
    ActivationSettings,
    GuideSettings,
    PruningSettings,
    Recipe,
    Stage,
    WeightSettings,
)
from rfcn.training import trainer as module
from rfcn.training.checkpoints import (
    CheckpointError,
    check_same_training,
    load_weights,
    read_checkpoint,
    write_checkpoint,
)
from rfcn.training.config import TrainingError, default_config
from rfcn.training.processes import Processes
from rfcn.training.trained import trained_network
from rfcn.training.trainer import CHECKPOINT_FILE, LOSS_FILE, NETWORK_FILE, Trainer

CONFIG = default_config("rfcn-tiny", iterations=6, batch=2, warm_up=1, learning_rate=0.01)

RECIPES = {
    "float": Recipe(),
    "lbw": Recipe(weights=WeightSettings(bits=4)),
    "progressive": Recipe(
        weights=WeightSettings(bits=2, method="exact", affine=True),
        stages=(Stage(start=0, weight_bits=5), Stage(start=2, weight_bits=3)),
        blend=1e-3,
    ),
    "all": Recipe(
        weights=WeightSettings(bits=4, per_channel=True),
        activations=ActivationSettings(bits=8, start=2),
        guide=GuideSettings(maps=("res4a_branch2c", "conv_new_1")),
        pruning=PruningSettings(filters=2, positions=4, share=0.25, start=2),
    ),
}


def same(first, second):
    """Whether two states are equal to the last bit."""
    if isinstance(first, torch.Tensor):
        return isinstance(second, torch.Tensor) and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def stop_after(steps):
    """A callback that sends Ctrl-C's signal to this process after so many steps."""

    def progress(done, _):
        if done == steps:
            os.kill(os.getpid(), signal.SIGINT)

    return progress


@pytest.mark.parametrize("name", RECIPES)
def test_an_interrupted_training_goes_on_to_the_bit(name, samples, tmp_path):
    recipe = RECIPES[name]
    straight = Trainer(CONFIG, samples, recipe=recipe, log_every=2)
    assert straight.run(tmp_path / "straight")

    first = Trainer(CONFIG, samples, recipe=recipe, log_every=2)
    folder = tmp_path / "stopped"
    assert not first.run(folder, progress=stop_after(3))
    assert first.done == 3
    # Whatever else drew random numbers in between.
    torch.rand(7)
    path = folder / CHECKPOINT_FILE
    checkpoint = read_checkpoint(path)
    check_same_training(path, checkpoint, CONFIG, recipe)
    second = Trainer(CONFIG, samples, recipe=recipe)
    second.resume(checkpoint, path)
    assert second.done == 3
    assert second.run(folder)

    for file in (CHECKPOINT_FILE, NETWORK_FILE):
        states = [vars(read_checkpoint(tmp_path / kind / file)) for kind in ("straight", "stopped")]
        for key in states[0]:
            assert same(states[0][key], states[1][key]), (file, key)
    logs = [(tmp_path / kind / LOSS_FILE).read_text() for kind in ("straight", "stopped")]
    assert logs[0] == logs[1]
    assert len(list(csv.DictReader(logs[0].splitlines()))) == 3


def test_the_network_of_a_checkpoint_detects_as_the_trained_one(samples, tmp_path):
    recipe = RECIPES["all"]
    trainer = Trainer(CONFIG, samples, recipe=recipe)
    trainer.run(tmp_path)
    image = torch.from_numpy(trainer.batches.load(0, 0).images)
    trainer.model.eval()
    expected = trainer.model(image)
    for file in (CHECKPOINT_FILE, NETWORK_FILE):
        model, quantized = trained_network(read_checkpoint(tmp_path / file), tmp_path / file)
        assert quantized.recipe == replace(recipe, guide=None)
        found = model(image)
        for name, value in expected.items():
            assert torch.equal(found[name], value), name


def test_the_first_step_is_that_of_nesterovs_rule(samples):
    config = replace(CONFIG, optimizer="sgd", weight_decay=5e-4, bias_rate=2.0, warm_up=0)
    trainer = Trainer(config, samples, recipe=RECIPES["lbw"])
    before = {name: value.clone() for name, value in trainer.model.named_parameters()}
    trainer.advance(trainer.batches.load(0, 0))
    for name, value in trainer.model.named_parameters():
        gradient = value.grad
        assert gradient is not None
        decay = 0.0 if ".norm." in name else config.weight_decay
        rate = config.rate(0) * (2 if name.endswith(".bias") and ".norm." not in name else 1)
        step = gradient + decay * before[name]
        # The first velocity is the step itself, and Nesterov looks ahead by it.
        expected = before[name] - rate * (step + config.momentum * step)
        torch.testing.assert_close(value.detach(), expected)


def test_the_first_step_with_adapted_rates(samples):
    config = replace(CONFIG, warm_up=0)
    trainer = Trainer(config, samples)
    before = {name: value.clone() for name, value in trainer.model.named_parameters()}
    trainer.advance(trainer.batches.load(0, 0))
    beta = config.momentum
    # Dozat's schedule of the momentum, for the first step and the one ahead.
    now, ahead = (beta * (1 - 0.5 * 0.96 ** (step * 0.004)) for step in (1, 2))
    for name, value in trainer.model.named_parameters():
        gradient = value.grad
        assert gradient is not None
        decay = 0.0 if ".norm." in name else config.weight_decay
        # The means of the gradient and of its square are corrected to the gradient's own.
        share = (1 - now) / (1 - now) + ahead * (1 - beta) / (1 - now * ahead)
        step = gradient * share / (gradient.abs() + 1e-8)
        expected = before[name] * (1 - config.rate(0) * decay) - config.rate(0) * step
        torch.testing.assert_close(value.detach(), expected, rtol=1e-4, atol=1e-6)


def test_frozen_layers_stay(samples):
    trainer = Trainer(CONFIG, samples)
    frozen = RFCN("rfcn-tiny", frozen_batch_norm=True, frozen_stages=("conv1", "res2"))
    for group in module._optimizer(frozen, CONFIG).param_groups:
        for parameter in group["params"]:
            assert parameter.requires_grad
    trained = sum(len(g["params"]) for g in module._optimizer(frozen, CONFIG).param_groups)
    every = sum(len(group["params"]) for group in trainer.optimizer.param_groups)
    assert trained < every == len(list(trainer.model.parameters()))


def test_the_gradient_is_clipped(samples):
    trainer = Trainer(replace(CONFIG, clip=1e-3), samples)
    trainer.advance(trainer.batches.load(0, 0))
    norm = sum(
        float(p.grad.square().sum()) for p in trainer.model.parameters() if p.grad is not None
    )
    assert norm**0.5 == pytest.approx(1e-3, rel=1e-3)


def test_checkpoints_come_every_so_often(samples, tmp_path):
    trainer = Trainer(replace(CONFIG, iterations=3), samples)
    seen = []
    trainer.run(
        tmp_path, checkpoint_every=2,
        saved=lambda: seen.append(read_checkpoint(tmp_path / CHECKPOINT_FILE).step),
    )  # fmt: skip
    assert seen == [2, 3]


def test_a_diverging_training_stops(samples, tmp_path):
    trainer = Trainer(replace(CONFIG, learning_rate=1e30, clip=None, warm_up=0), samples)
    with pytest.raises(ValueError, match="finite"):
        trainer.run(tmp_path)


def test_processes_share_a_batch(samples):
    with pytest.raises(TrainingError, match="3 processes"):
        Trainer(CONFIG, samples, processes=Processes(rank=0, count=3))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": 0.02}, "learning_rate 0.01, not 0.02"),
        ({"seed": 1}, "seed 0, not 1"),
        ({"clip": 1.0}, "clip none, not 1.0"),
        ({"net": "rfcn-resnet50"}, "net rfcn-tiny, not rfcn-resnet50"),
    ],
)
def test_other_settings_are_refused(changes, words, samples, tmp_path):
    path = tmp_path / CHECKPOINT_FILE
    write_checkpoint(path, Trainer(CONFIG, samples).checkpoint())
    with pytest.raises(CheckpointError, match=words):
        check_same_training(path, read_checkpoint(path), replace(CONFIG, **changes), Recipe())
    with pytest.raises(CheckpointError, match="weights none"):
        check_same_training(path, read_checkpoint(path), CONFIG, RECIPES["lbw"])


def test_other_data_are_refused(samples, tmp_path):
    path = tmp_path / CHECKPOINT_FILE
    write_checkpoint(path, Trainer(CONFIG, samples).checkpoint())
    with pytest.raises(CheckpointError, match="10 images, but now there are 4"):
        Trainer(CONFIG, samples[:4]).resume(read_checkpoint(path), path)


def test_a_finished_network_is_no_training(samples, tmp_path):
    Trainer(replace(CONFIG, iterations=1), samples).run(tmp_path)
    path = tmp_path / NETWORK_FILE
    assert os.path.getsize(path) < 0.6 * os.path.getsize(tmp_path / CHECKPOINT_FILE)
    with pytest.raises(CheckpointError, match="finished network"):
        check_same_training(path, read_checkpoint(path), CONFIG, Recipe())


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 half a file"])
def test_files_that_are_no_checkpoints(content, tmp_path):
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        read_checkpoint(path)
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        read_checkpoint(path)


def test_a_state_dict_is_no_checkpoint(tmp_path):
    path = tmp_path / "resnet.pth"
    torch.save({"conv1.weight": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="backbone"):
        read_checkpoint(path)


def test_a_checkpoint_of_another_network(samples, tmp_path):
    path = tmp_path / CHECKPOINT_FILE
    write_checkpoint(path, Trainer(CONFIG, samples).checkpoint())
    with pytest.raises(CheckpointError, match="of rfcn-tiny, not of rfcn-resnet50"):
        read_checkpoint(path, net="rfcn-resnet50")


def test_weights_that_do_not_fit(tmp_path):
    model = RFCN("rfcn-tiny")
    state = model.state_dict()
    missing = {name: value for name, value in state.items() if name != "conv1.weight"}
    for wrong, words in (
        (missing, "no conv1.weight"),
        ({**state, "conv9.weight": torch.zeros(1)}, "has conv9.weight"),
        ({**state, "conv1.weight": torch.zeros(1)}, r"shape \(1,\)"),
    ):
        with pytest.raises(CheckpointError, match=words):
            load_weights(model, wrong, tmp_path)


def test_a_failing_write_leaves_the_old_checkpoint(samples, tmp_path, monkeypatch):
    path = tmp_path / CHECKPOINT_FILE
    trainer = Trainer(CONFIG, samples)
    write_checkpoint(path, trainer.checkpoint())
    before = path.read_bytes()

    def fail(content, file):
        file.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="no space"):
        write_checkpoint(path, trainer.checkpoint())
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [CHECKPOINT_FILE]


def test_the_log_holds_means(samples):
    trainer = Trainer(CONFIG, samples, log_every=2)
    losses = [trainer.advance(trainer.batches.load(0, step)) for step in range(2)]
    step, rate, total, *parts = trainer.log.rows[0]
    assert (step, rate) == (2, CONFIG.rate(1))
    expected = np.mean([list(loss.values()) for loss in losses], axis=0)
    np.testing.assert_allclose(parts, expected)
    assert total == pytest.approx(expected.sum())
