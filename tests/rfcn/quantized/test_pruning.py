import math

import pytest
import torch

from compiler.balance import group_steps
from rfcn.quantized.pruning import group_mask, group_norms, penalty
from rfcn.quantized.settings import PruningSettings, Recipe, WeightSettings
from rfcn.quantized.training import QuantizedTraining
from rfcn.quantized.weights import quantize_convolutions
from tests.rfcn.quantized.networks import batch, small


def naive_groups(weights, filters, positions):
    """Positions of the weights of each group, in the order of the groups."""
    cout, cin, height, width = weights.shape
    return [
        [
            (o, c, y, x)
            for o in range(first, min(first + filters, cout))
            for c in range(start, min(start + positions, cin))
        ]
        for first in range(0, cout, filters)
        for start in range(0, cin, positions)
        for y in range(height)
        for x in range(width)
    ]


def naive_norms(weights, filters, positions):
    return [
        math.sqrt(sum(float(weights[place]) ** 2 for place in group) / len(group))
        for group in naive_groups(weights, filters, positions)
    ]


SIZES = [(1, 1), (2, 1), (2, 3), (3, 4), (16, 16)]


def weights():
    return torch.randn(5, 7, 3, 2, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(("filters", "positions"), SIZES)
def test_norms_and_masks_group_by_group(filters, positions):
    w = weights()
    expected = naive_norms(w, filters, positions)
    norms = group_norms(w, filters, positions)
    torch.testing.assert_close(norms.reshape(-1), torch.tensor(expected))

    settings = PruningSettings(filters=filters, positions=positions, share=0.4)
    mask = group_mask(w, settings)
    groups = naive_groups(w, filters, positions)
    order = sorted(range(len(groups)), key=lambda i: expected[i])
    for rank, i in enumerate(order):
        kept = rank >= int(0.4 * len(groups))
        assert all(bool(mask[place]) == kept for place in groups[i])


def test_penalty_and_its_gradient_are_clipped():
    model = small()
    quantize_convolutions(model, WeightSettings(bits=4, layers=("inner",)))
    settings = PruningSettings(filters=2, penalty=0.3, clip=0.9)
    w = model.inner.weight.detach()
    norms = naive_norms(w, 2, 1)
    limit = 0.9 * sum(norms) / len(norms)
    got = penalty(model, settings)
    got.backward()
    assert got.item() == pytest.approx(0.3 * sum(min(n, limit) for n in norms), rel=1e-5)
    for group, norm in zip(naive_groups(w, 2, 1), norms, strict=True):
        for place in group:
            # d norm / d w = w / (size * norm)
            expected = 0.3 * float(w[place]) / (2 * norm) if norm < limit else 0.0
            assert model.inner.weight.grad[place].item() == pytest.approx(expected, abs=1e-6)
    assert model.first.weight.grad is None


def test_a_group_of_zeros_has_no_gradient():
    model = small()
    quantize_convolutions(model, WeightSettings(bits=4))
    with torch.no_grad():
        model.inner.weight[:2] = 0
    penalty(model, PruningSettings(filters=2)).backward()
    assert not model.inner.weight.grad[:2].any()
    assert model.inner.weight.grad.isfinite().all()


def train(recipe, iterations, start=0, model=None, quantized=None):
    model = model or small()
    quantized = quantized or QuantizedTraining(model, recipe)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    for iteration in range(start, iterations):
        quantized.begin(iteration)
        optimizer.zero_grad()
        (model(batch(iteration)).square().mean() + quantized.penalty()).backward()
        quantized.before_step()
        optimizer.step()
        quantized.after_step()
    return model, quantized


def test_pruned_groups_stay_zero_and_save_steps_of_the_array():
    pruning = PruningSettings(filters=2, share=0.5, start=2)
    model, quantized = train(Recipe(weights=WeightSettings(bits=2), pruning=pruning), 5)
    for name, (found, _) in quantized.golden_weights().items():
        floats = model.get_submodule(name).weight
        zeros = group_norms(floats, 2, 1) == 0
        assert int(zeros.sum()) >= zeros.numel() // 2
        support = torch.from_numpy(found.sign != 0).reshape(len(floats), -1).numpy()
        pairs = torch.arange(len(floats)).reshape(-1, 2).numpy()
        assert group_steps(support, pairs).sum() <= zeros.numel() - zeros.numel() // 2
        assert found.nonzeros > 0


def test_the_penalty_acts_until_the_groups_are_pruned():
    settings = {"filters": 2, "penalty": 1.0, "start": 3}
    recipe = Recipe(weights=WeightSettings(bits=4), pruning=PruningSettings(**settings))
    plain = Recipe(weights=WeightSettings(bits=4))

    def small_norms(model):
        norms = group_norms(model.inner.weight, 2, 1).flatten().sort().values
        return norms[: len(norms) // 4].mean().item()

    model, quantized = train(recipe, 3)
    assert small_norms(model) < 0.9 * small_norms(train(plain, 3)[0])
    assert quantized.penalty() > 0
    quantized.begin(3)
    assert quantized.penalty() == 0
