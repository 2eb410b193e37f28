"""Whole networks on the RTL, residuals and all."""

import dataclasses

import numpy as np
import pytest

from compiler import FitError
from golden.network import INPUT
from params import preset
from sim.network import compile_network, simulate_network
from sim.simulate import SimulationError, build_harness, simulate
from tests.golden.networks import naive_output, small_network
from tests.sim.layers import ENGINES, QUICK

CONFIG = dataclasses.replace(preset("tiny"), name="tiny network")


def an_image(network, seed: int) -> np.ndarray:
    form, shape = network.input.format, network.input.shape
    return np.random.default_rng(seed).integers(form.low, form.high, shape, endpoint=True)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("stalls", [0.0, 0.3])
def test_every_map_is_that_of_naive_loops(engine, stalls):
    network = small_network(3)
    image = an_image(network, 1)
    seen = []
    maps, runs = simulate_network(
        network, image, compile_network(network, CONFIG),
        harness=build_harness(CONFIG, engine=engine), stalls=stalls, done=seen.append,
    )  # fmt: skip
    assert [run.node.name for run in runs] == ["conv1", "a/1", "b", "out"]
    assert [run.node.name for run in seen] == ["conv1", "a/1", "b", "out"]
    assert all(run.result.bit_exact for run in runs)
    assert maps.keys() == {INPUT, *(node.name for node in network.nodes)}
    for node in network.nodes:
        for place in np.ndindex(*maps[node.name].shape):
            assert maps[node.name][place] == naive_output(node, maps, *place), (node.name, place)


def test_the_first_wrong_layer_is_told():
    network = small_network(4)
    programs = compile_network(network, CONFIG)
    other = compile_network(small_network(5), CONFIG)
    _, runs = simulate_network(
        network, an_image(network, 2), programs | {"a/1": other["a/1"]},
        harness=build_harness(CONFIG, engine=QUICK),
    )  # fmt: skip
    assert {run.node.name: run.result.bit_exact for run in runs} == {
        "conv1": True, "a/1": False, "b": True, "out": True,
    }  # fmt: skip


def test_a_layer_that_does_not_fit_is_named():
    plain = dataclasses.replace(CONFIG, residuals=False)
    with pytest.raises(FitError, match=r"^b: a map is added .* choose one with residuals"):
        compile_network(small_network(), plain)
    with pytest.raises(FitError, match=r"^conv1: "):
        compile_network(small_network(), dataclasses.replace(CONFIG, depth=4))


def test_a_residual_goes_with_the_layer():
    network = small_network()
    programs = compile_network(network, CONFIG)
    harness = build_harness(CONFIG, engine=QUICK)
    pool, added = np.zeros((6, 4, 5), int), np.zeros((8, 4, 5), int)
    for name, residual in (("b", None), ("a/1", added)):
        with pytest.raises(SimulationError, match="adds a residual takes one"):
            simulate(programs[name], pool, harness=harness, residual=residual)
