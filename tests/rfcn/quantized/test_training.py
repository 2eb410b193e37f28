"""Whole recipes: what begins when, and that training resumes to the same result."""

import io

import pytest
import torch

from golden.quantize import quantize
from rfcn.quantized.settings import (
    ActivationSettings,
    GuideSettings,
    PruningSettings,
    Recipe,
    SettingsError,
    Stage,
    WeightSettings,
)
from rfcn.quantized.training import QuantizedTraining
from rfcn.quantized.weights import quantized_layers
from tests.rfcn.quantized.networks import batch, small

EVERYTHING = Recipe(
    weights=WeightSettings(bits=6, calibrated_mu=True, affine=True),
    activations=ActivationSettings(bits=8, start=3),
    stages=(Stage(start=2, weight_bits=5), Stage(start=5, weight_bits=4, activation_bits=6)),
    guide=GuideSettings(maps=("inner",), weight=0.1),
    blend=0.05,
    pruning=PruningSettings(filters=2, share=0.25, start=4),
)


class Training:
    """The loop that a trainer runs."""

    def __init__(self, recipe):
        self.model = small()
        self.quantized = QuantizedTraining(self.model, recipe)
        self.guide = self.quantized.guide
        networks = torch.nn.ModuleList([self.model, *([self.guide] if self.guide else [])])
        self.optimizer = torch.optim.SGD(networks.parameters(), lr=0.02, momentum=0.9)
        self.calibrated = []

    def images(self, iteration):
        self.calibrated.append(iteration)
        return [batch(100), batch(101)]

    def run(self, iterations, start=0):
        for iteration in range(start, iterations):
            self.quantized.begin(iteration, lambda i=iteration: self.images(i))
            self.optimizer.zero_grad()
            x = batch(iteration)
            if self.guide:
                with self.guide.watch(self.model) as seen:
                    out, other = self.model(x), self.guide(x)
                loss = (out - 1).square().mean() + (other - 1).square().mean()
                loss = loss + self.guide.loss(seen)
            else:
                loss = (self.model(x) - 1).square().mean()
            (loss + self.quantized.penalty()).backward()
            self.quantized.before_step()
            self.optimizer.step()
            self.quantized.after_step()
        return self

    def state(self):
        file = io.BytesIO()
        parts = self.model, self.quantized, self.optimizer
        torch.save([part.state_dict() for part in parts], file)
        file.seek(0)
        return file

    def resume(self, file):
        states = torch.load(file, weights_only=True)
        parts = self.model, self.quantized, self.optimizer
        for part, state in zip(parts, states, strict=True):
            part.load_state_dict(state)
        return self


def test_float_training_is_left_alone():
    training = Training(Recipe()).run(3)
    plain = small()
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.02, momentum=0.9)
    for iteration in range(3):
        optimizer.zero_grad()
        (plain(batch(iteration)) - 1).square().mean().backward()
        optimizer.step()
    for a, b in zip(training.model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(a, b)


def test_weights_first_and_activations_second():
    recipe = Recipe(weights=WeightSettings(bits=4), activations=ActivationSettings(start=3))
    training = Training(recipe).run(3)
    assert training.calibrated == []
    training.run(6, start=3)
    # Once, and with the maps of quantized weights.
    assert training.calibrated == [3]
    x = batch(7)
    got = training.model.eval()(x)
    training.quantized.activations.enable(False)
    assert not torch.equal(training.model(x), got)
    with pytest.raises(SettingsError, match="iteration 3"):
        Training(recipe).quantized.begin(3)


def test_calibration_sees_quantized_weights():
    steps = []
    for weights in (None, WeightSettings(bits=2)):
        recipe = Recipe(weights=weights, activations=ActivationSettings())
        quantized = QuantizedTraining(small(), recipe)
        quantized.begin(0, lambda: [batch()])
        steps.append({n: q.step for n, q in quantized.activations.quantizers.items()})
    assert steps[0]["data"] == steps[1]["data"]
    assert steps[0]["last"] != steps[1]["last"]


def test_widths_decrease_by_the_schedule():
    stages = (Stage(start=1, weight_bits=4), Stage(start=2, weight_bits=2, activation_bits=5))
    recipe = Recipe(
        weights=WeightSettings(bits=6), activations=ActivationSettings(bits=8), stages=stages
    )
    training = Training(recipe)
    for iteration, bits, activation_bits in ((0, 6, 8), (1, 4, 8), (2, 2, 5)):
        training.run(iteration + 1, start=iteration)
        assert training.quantized.activations.bits == activation_bits
        for _, quantizer, floats in quantized_layers(training.model):
            expected = quantize(floats.detach().numpy(), bits=bits).dequantize()
            assert quantizer(floats).tolist() == expected.tolist()
    assert training.calibrated == [0, 2]


@pytest.mark.parametrize("stop", range(8))
def test_resumes_to_the_same_result(stop):
    whole = Training(EVERYTHING).run(8)
    broken = Training(EVERYTHING).run(stop)
    resumed = Training(EVERYTHING).resume(broken.state()).run(8, start=stop)
    assert broken.calibrated + resumed.calibrated == whole.calibrated == [3, 5]
    for key, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[key]), key
    for key, value in whole.guide.state_dict().items():
        assert torch.equal(value, resumed.guide.state_dict()[key]), key
    x = batch(50)
    assert torch.equal(whole.model.eval()(x), resumed.model.eval()(x))


@pytest.mark.parametrize("name", ["calibrated_mu", "affine", "guide", "blend", "pruning"])
def test_every_option_changes_the_result(name):
    changed = EVERYTHING.as_dict()
    if name in ("calibrated_mu", "affine"):
        changed["weights"][name] = False
    else:
        changed[name] = 0.0 if name == "blend" else None
    results = [
        Training(Recipe.from_dict(recipe)).run(6).model.inner.weight
        for recipe in (changed, EVERYTHING.as_dict())
    ]
    assert not torch.allclose(*results, atol=1e-7)


def test_refuses_states_of_something_else():
    state = QuantizedTraining(small(), EVERYTHING).state_dict()
    with pytest.raises(SettingsError, match="another recipe"):
        QuantizedTraining(small(), Recipe()).load_state_dict(state)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1))
    recipe = Recipe(weights=WeightSettings(bits=4))
    state = QuantizedTraining(small(), recipe).state_dict()
    with pytest.raises(SettingsError, match="another network"):
        QuantizedTraining(model, recipe).load_state_dict(state)
