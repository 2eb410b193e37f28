import json

import pytest

from golden.errors import UserError
from rfcn.quantized.settings import (
    ActivationSettings,
    GuideSettings,
    PruningSettings,
    Recipe,
    SettingsError,
    Stage,
    WeightSettings,
)

FULL = Recipe(
    weights=WeightSettings(bits=4, calibrated_mu=True, affine=True, layers=["a", "b"]),
    activations=ActivationSettings(bits=7, method="gaussian", power_of_two=True, start=20),
    stages=[Stage(start=5, weight_bits=5), Stage(start=25, activation_bits=6)],
    guide=GuideSettings(maps=["a"], weight=0.5, train=False),
    blend=0.01,
    pruning=PruningSettings(filters=2, positions=4, share=0.25, start=7),
)


@pytest.mark.parametrize("recipe", [FULL, Recipe(), Recipe(weights=WeightSettings(levels=7))])
def test_survives_json(recipe):
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe


def test_widths_follow_the_stages():
    bits = [FULL.weights_at(i).bits for i in (0, 4, 5, 30)]
    assert bits == [4, 4, 5, 5]
    found = [FULL.activations_at(i) for i in (0, 19, 20, 24, 25)]
    assert [f and f.bits for f in found] == [None, None, 7, 7, 6]
    assert found[-1].power_of_two
    assert Recipe().weights_at(3) is Recipe().activations_at(3) is None
    levels = Recipe(weights=WeightSettings(levels=7), stages=(Stage(start=2, weight_bits=3),))
    assert levels.weights_at(1).levels == 7
    assert (levels.weights_at(2).bits, levels.weights_at(2).levels) == (3, None)


@pytest.mark.parametrize(
    ("create", "message"),
    [
        (lambda: WeightSettings(), "either bits or levels"),
        (lambda: WeightSettings(bits=8), "bits is 8"),
        (lambda: WeightSettings(bits=4, method="ste"), "'ste'"),
        (lambda: WeightSettings(bits=4, method="exact", mu=0.5), "mu has no meaning"),
        (lambda: WeightSettings(bits=4, mu=-1.0), "mu is -1.0"),
        (lambda: WeightSettings(bits=4, per_channel="yes"), "per_channel"),
        (lambda: WeightSettings(bits=4, mu=0.5, calibrated_mu=True), "calibrated_mu"),
        (lambda: WeightSettings(bits=4, method="exact", calibrated_mu=True), "calibrated_mu"),
        (lambda: ActivationSettings(bits=9), "9 bits"),
        (lambda: ActivationSettings(method="max"), "'max'"),
        (lambda: ActivationSettings(start=-1), "start is -1"),
        (lambda: Stage(start=1), "give it bits"),
        (lambda: Stage(start=1.5, weight_bits=4), "start is 1.5"),
        (lambda: Stage(start=1, activation_bits=3), "3 bits"),
        (lambda: GuideSettings(maps=()), "at least one map"),
        (lambda: GuideSettings(maps=("a",), weight=0.0), "weight is 0.0"),
        (lambda: PruningSettings(share=1.5), "share is 1.5"),
        (lambda: PruningSettings(filters=0), "filters is 0"),
        (lambda: PruningSettings(penalty=float("nan")), "penalty is nan"),
        (lambda: PruningSettings(clip=float("inf")), "clip is inf"),
        (lambda: Recipe(blend=0.1), "blend acts on"),
        (lambda: Recipe(pruning=PruningSettings()), "pruning acts on"),
        (lambda: Recipe(stages=(Stage(start=0, weight_bits=4),)), "weight_bits acts on"),
        (lambda: Recipe(stages=(Stage(start=0, activation_bits=4),)), "give activations"),
        (
            lambda: Recipe(weights=FULL.weights, stages=(Stage(start=4, weight_bits=5),) * 2),
            "one after the other",
        ),
        (lambda: Recipe(weights=WeightSettings(bits=4), blend=2.0), "blend is 2.0"),
        (lambda: Recipe.from_dict({"wieghts": None}), "wieghts"),
        (lambda: Recipe.from_dict({"weights": {"bits": 4, "mode": 1}}), "mode"),
    ],
)  # fmt: skip
def test_refuses(create, message):
    with pytest.raises(UserError, match=message):
        create()


def test_settings_errors_are_faults_of_the_user():
    assert issubclass(SettingsError, UserError)
