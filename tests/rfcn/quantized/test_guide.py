import pytest
import torch

from rfcn.quantized.guide import Guide
from rfcn.quantized.settings import GuideSettings, Recipe, SettingsError, WeightSettings
from rfcn.quantized.training import QuantizedTraining
from tests.rfcn.quantized.networks import batch, small

RECIPE = {"weights": WeightSettings(bits=2)}


def forward(train=True, weight=0.5):
    model = small()
    guide = GuideSettings(maps=("inner", "last"), weight=weight, train=train)
    quantized = QuantizedTraining(model, Recipe(**RECIPE, guide=guide))
    with quantized.guide.watch(model) as seen:
        mine, other = model(batch()), quantized.guide(batch())
    return model, quantized.guide, seen, mine, other


def test_the_twin_is_the_float_network():
    model, guide, _, mine, other = forward()
    assert torch.equal(other, small()(batch()))
    assert not torch.allclose(mine, other)
    assert list(guide.twin.state_dict()) == list(model.state_dict())


def test_loss_by_hand():
    _, guide, seen, mine, other = forward(weight=0.5)
    expected = 0.0
    for a, b in ((seen["model"]["inner"], seen["twin"]["inner"]), (mine, other)):
        a, b = a.flatten().tolist(), b.flatten().tolist()
        difference = sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
        expected += difference / sum(y**2 for y in b)
    assert guide.loss(seen).item() == pytest.approx(0.5 * expected / 2, rel=1e-4)


@pytest.mark.parametrize("train", [False, True])
def test_hints_teach_the_model_and_a_twin_that_learns(train):
    model, guide, seen, _, other = forward(train)
    guide.loss(seen).backward()
    assert model.inner.weight.grad.abs().sum() > 0
    found = [p.grad for p in guide.twin.parameters() if p.grad is not None]
    assert bool(found) == train == other.requires_grad
    guide.train()
    assert guide.twin.training == train


def test_hints_bring_the_maps_together():
    model, guide, *_ = forward()
    parameters = [*model.parameters(), *guide.twin.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.02)
    losses = []
    for _ in range(30):
        with guide.watch(model) as seen:
            model(batch())
            guide(batch())
        loss = guide.loss(seen)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert min(losses[-5:]) < 0.7 * losses[0]


def test_watching_leaves_no_hooks():
    model, guide, seen, *_ = forward()
    before = seen["model"]["last"]
    model(batch(1))
    assert seen["model"]["last"] is before
    assert set(seen["model"]) == set(seen["twin"]) == {"inner", "last"}
    with guide.watch(model) as seen:
        model(batch())
    with pytest.raises(SettingsError, match="both networks"):
        guide.loss(seen)
    with pytest.raises(SettingsError, match="'middle'"):
        Guide(small(), GuideSettings(maps=("middle",)))
