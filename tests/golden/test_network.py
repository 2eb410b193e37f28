"""Integer networks against loops."""

import dataclasses
import pickle

import numpy as np
import pytest

from golden.activations import ActivationError, ActivationFormat
from golden.feature_map import FeatureMap
from golden.network import INPUT, GraphError, IntegerNetwork
from golden.pooling import MaxPool
from golden.shape import ShapeError
from tests.golden.networks import SIGNED, UNSIGNED, naive_output, small_network


def image_for(network, seed=1):
    form = network.input.format
    rng = np.random.default_rng(seed)
    return rng.integers(form.low, form.high, network.input.shape, endpoint=True)


@pytest.mark.parametrize(("levels", "terms"), [(1, 1), (4, 1), (16, 1), (4, 2)])
def test_equals_the_loops(levels, terms):
    network = small_network(levels=levels, terms=terms)
    maps = network.run(image_for(network), keep=network.maps)
    assert list(maps) == [INPUT, "conv1", "pool1", "a/1", "b", "out"]
    for node in network.nodes:
        got = maps[node.name]
        assert got.shape == network.maps[node.name].shape
        for at in np.ndindex(*got.shape):
            assert got[at] == naive_output(node, maps, *at), (node.name, at)
    # Not all maps may be at their limits, or nothing would be tested.
    assert all(len(np.unique(maps[node.name])) > 5 for node in network.nodes)


def test_only_what_is_asked_for_is_evaluated_and_kept():
    network = small_network()
    image = image_for(network)
    everything = network.run(image, keep=network.maps)
    assert network.outputs == ("out",)
    told = []
    assert list(network.run(image, telling=lambda node: told.append(node.name))) == ["out"]
    assert told == [node.name for node in network.nodes]
    told.clear()
    some = network.run(image, keep=["pool1", INPUT], telling=lambda node: told.append(node.name))
    assert told == ["conv1", "pool1"]
    assert list(some) == [INPUT, "pool1"]
    for name, values in some.items():
        np.testing.assert_array_equal(values, everything[name])
        assert values.dtype == (np.int8 if name == INPUT else np.uint8)
    with pytest.raises(GraphError, match="no map 'res9'; its 6 maps go from data to out"):
        network.run(image, keep=["res9"])


def test_maps_go_when_nothing_reads_them(monkeypatch):
    network = small_network()
    live = []

    def evaluate(node, maps):
        live.append(set(maps))
        return original(node, maps)

    original = type(network.nodes[0]).evaluate
    monkeypatch.setattr(type(network.nodes[0]), "evaluate", evaluate)
    network.run(image_for(network))
    assert live == [{INPUT}, {"conv1"}, {"pool1"}, {"pool1", "a/1"}, {"b"}]


def test_images_that_do_not_fit():
    network = small_network()
    image = image_for(network)
    with pytest.raises(ActivationError, match=r"\(3, 9, 11\)"):
        network.run(image[:, :8])
    with pytest.raises(ActivationError, match=r"the pixels span .* holds -128\.\.127"):
        network.run(image + 200)
    with pytest.raises(ActivationError, match="float64, but must be integers"):
        network.run(image / 2)


def test_another_size_of_image():
    network = small_network()
    larger = network.resized(14, 10)
    assert larger.maps["pool1"].shape == (6, 7, 5)
    maps = larger.run(image_for(larger), keep=larger.maps)
    rng = np.random.default_rng(0)
    for node in larger.nodes:
        for _ in range(40):
            at = tuple(int(rng.integers(n)) for n in maps[node.name].shape)
            assert maps[node.name][at] == naive_output(node, maps, *at), (node.name, at)
    with pytest.raises(ShapeError):
        network.resized(1, 1)


def test_scales():
    network = small_network()
    maps = {"out": np.array([[[-3, 5]]], np.int8)}
    floats = network.floats(maps)["out"]
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(floats, np.float32(network.maps["out"].scale) * maps["out"])


def test_a_map_quantizes_to_the_nearest_and_ties_up():
    of = FeatureMap(shape=(1, 1, 7), format=ActivationFormat(bits=4, signed=True), scale=0.5)
    values = np.array([-9, -0.75, -0.25, 0, 0.25, 0.74, 9])
    assert of.quantize(values).tolist() == [-8, -1, 0, 0, 1, 1, 7]
    assert of.quantize(values).dtype == np.int8
    with pytest.raises(ActivationError, match="NaN"):
        of.quantize(np.array([np.nan]))
    for scale in (0.0, -1.0, float("inf"), float("nan"), 1):
        with pytest.raises(ActivationError, match="positive float"):
            dataclasses.replace(of, scale=scale)


def changed(of, /, **fields):
    """The nodes of a small network, one of them with other fields."""
    return tuple(
        dataclasses.replace(node, **fields) if node.name == of else node
        for node in small_network().nodes
    )


def a_layer(name, **fields):
    (node,) = (node for node in small_network().nodes if node.name == name)
    return dataclasses.replace(node.layer, **fields)


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        (lambda: (), "at least one node"),
        (lambda: changed("b", source="c"), "b reads the map c, which no node before"),
        (lambda: changed("a/1", source="out"), "a/1 reads the map out, which no node before"),
        (lambda: changed("b", residual="c"), "b reads the map c"),
        (lambda: changed("b", name="conv1"), "two maps are called conv1"),
        (lambda: changed("b", name=INPUT), "two maps are called data"),
        (lambda: changed("conv1", layer=a_layer("a/1")), r"\(6, 4, 5\), but data has \(3, 9, 11\)"),
        (lambda: changed("conv1", format=SIGNED), "clamps its outputs to 0..255"),
        (lambda: changed("out", layer=a_layer("out", input_format=SIGNED)),
         "out takes signed 8-bit activations, but b is unsigned 8-bit"),
        (lambda: changed("out", layer=a_layer("out", requantization=None)),
         "out has no requantization"),
        (lambda: changed("out", exponent=np.zeros(3, int)), r"exponent of out has shape \(3,\)"),
        (lambda: changed("b", residual="conv1"), "its residual conv1 has"),
        (lambda: changed("b", layer=a_layer("b", residual_format=UNSIGNED)),
         "b adds unsigned 8-bit activations, but a/1 is signed"),
        (lambda: changed("b", residual=None), "b adds no map, but its layer takes one"),
        (lambda: changed("out", residual="out"), "out reads the map out"),
        (lambda: changed("out", residual="b"), "adds the map b, but its layer takes none"),
        (lambda: changed("pool1", scale=3.0), "keeps format and scale"),
        (lambda: changed("pool1", format=SIGNED), "keeps format and scale"),
        (lambda: changed("pool1", residual="conv1"), "nothing can be added"),
    ],
)  # fmt: skip
def test_nodes_that_do_not_go_together(nodes, says):
    with pytest.raises(GraphError, match=says):
        IntegerNetwork(net="small", input=small_network().input, nodes=nodes())


def test_a_pool_of_parameters_gives_its_size():
    pool = MaxPool(kernel=3, stride=2, ceil_mode=True)
    assert pool.output_size(300, 401) == (150, 200)
    assert pool(np.zeros((1, 300, 401), np.uint8)).shape == (1, 150, 200)
    assert UNSIGNED.high == 255


def test_travels_between_processes():
    network = small_network()
    image = image_for(network)
    arrived = pickle.loads(pickle.dumps(network))
    assert (arrived.net, arrived.maps, arrived.outputs) == (
        network.net, network.maps, network.outputs,
    )  # fmt: skip
    for name, values in network.run(image).items():
        np.testing.assert_array_equal(arrived.run(image)[name], values)
