"""Settings: the schedules by hand, and what is refused."""

import math

import pytest

from rfcn.networks import NetworkError
from rfcn.training.config import TrainingConfig, TrainingError, default_config


def config(**changes):
    return TrainingConfig(
        **{"net": "rfcn-tiny", "iterations": 100, "batch": 2, "learning_rate": 1.0, **changes}
    )


def test_the_papers_schedule():
    usual = default_config("rfcn-resnet50")
    rates = [usual.rate(step) for step in (0, 79_999, 80_000, 109_999, 110_000)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5])
    assert (usual.momentum, usual.nesterov, usual.weight_decay) == (0.9, True, 5e-4)
    assert (usual.proposals_before_nms, usual.proposals_after_nms) == (6000, 300)
    assert (usual.anchor_batch, usual.hard_regions, usual.bias_rate) == (256, 128, 2)


def test_a_cosine_behind_a_warm_up():
    schedule = config(schedule="cosine", warm_up=4, iterations=104)
    assert [schedule.rate(step) for step in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    for step in (4, 29, 54, 79, 104):
        expected = (1 + math.cos(math.pi * (step - 4) / 100)) / 2
        assert schedule.rate(step) == pytest.approx(expected)


def test_defaults_with_changes():
    assert default_config("rfcn-tiny", batch=3, seed=None).batch == 3
    assert default_config("rfcn-tiny", seed=None).seed == 0
    assert default_config("rfcn-tiny", retrain=True).iterations == 600
    # Another schedule leaves the drops behind.
    assert default_config("rfcn-resnet101", schedule="cosine").drops == ()


def test_a_state_makes_the_same_settings():
    usual = default_config("rfcn-resnet101", clip=3.0)
    assert TrainingConfig.from_state(usual.state()) == usual
    state = usual.state()
    del state["clip"]
    with pytest.raises(TrainingError, match="clip"):
        TrainingConfig.from_state(state)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"iterations": 0}, "iterations is 0"),
        ({"batch": -1}, "batch is -1"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"momentum": 1.0}, "momentum is 1.0"),
        ({"momentum": 0.0}, "nesterov"),
        ({"weight_decay": -1e-4}, "weight_decay"),
        ({"clip": 0.0}, "clip is 0.0"),
        ({"schedule": "linear"}, "'linear'"),
        ({"drops": (5, 5)}, "drops"),
        ({"drops": (9, 5)}, "drops"),
        ({"drops": (9,), "schedule": "cosine"}, "drops"),
    ],
)
def test_impossible_settings(changes, words):
    with pytest.raises(TrainingError, match=words):
        config(**changes)


def test_an_unknown_network():
    with pytest.raises(NetworkError, match="vgg16"):
        config(net="vgg16")
