"""The networks that ship with the project."""

from pathlib import Path

import numpy as np
import pytest

from golden.network_files import read_network
from rfcn.data.evaluation import evaluate
from rfcn.data.scenes import render_scene
from rfcn.data.voc import Sample
from rfcn.integer import IntegerDetector
from rfcn.model.network import RFCN
from rfcn.pretrained import FLOAT, INTEGER
from rfcn.training.checkpoints import read_checkpoint
from rfcn.training.trained import trained_network

IMAGES = 30


def scenes() -> list:
    return [render_scene(np.random.default_rng((77, n)), 128) for n in range(IMAGES)]


def samples() -> list[Sample]:
    return [
        Sample(
            image_id=str(n), path=Path(f"{n}.png"), boxes=scene.boxes.astype(np.float32),
            labels=scene.labels, difficult=scene.difficult, size=(128, 128),
        )
        for n, scene in enumerate(scenes())
    ]  # fmt: skip


@pytest.mark.parametrize("bits", INTEGER)
def test_the_integer_networks_detect(bits):
    detector = IntegerDetector(read_network(INTEGER[bits]))
    found = [detector.detect(scene.image) for scene in scenes()]
    result = evaluate(found, samples(), detector.description.class_names, metric="area")
    assert result.mean > 0.75
    weights = detector.network.quantization["weights"]
    assert weights["bits"] == bits


def test_the_float_network_is_a_finished_training():
    checkpoint = read_checkpoint(FLOAT)
    model, quantized = trained_network(checkpoint, FLOAT)
    assert isinstance(model, RFCN)
    assert model.net == "rfcn-tiny"
    assert quantized.recipe.weights is None
    assert checkpoint.step == checkpoint.config["iterations"]
