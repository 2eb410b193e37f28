"""Exported networks against the float network with the same quantized weights and maps."""

import numpy as np
import pytest
import torch

from compiler import compile_layer
from golden.activations import ActivationFormat
from golden.calibration import CalibrationError
from golden.network import INPUT
from golden.network_files import read_network, write_network
from golden.quantize import quantize
from params import preset
from rfcn.export.calibrate import calibrate, map_formats
from rfcn.export.export import ExportError, export
from rfcn.layers import layer_table
from rfcn.model.network import RFCN
from rfcn.quantized.settings import ActivationSettings, Recipe, WeightSettings
from rfcn.quantized.training import QuantizedTraining

NET = "rfcn-tiny"


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def float_network(seed=0) -> RFCN:
    """A network with batch-norms that are no identities, some negative or zero."""
    torch.manual_seed(seed)
    model = RFCN(NET)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for convolution in model.convolutions.values():
            if convolution.bias is not None:
                convolution.bias.normal_(0, 0.1, generator=generator)
            if convolution.norm is not None:
                count = convolution.norm.num_features
                signs = torch.where(torch.rand(count, generator=generator) < 0.2, -1.0, 1.0)
                convolution.norm.weight.copy_(
                    signs * (0.6 + 0.8 * torch.rand(count, generator=generator))
                )
                convolution.norm.weight[0] = 0.0
                convolution.norm.bias.normal_(0, 0.3, generator=generator)
        # The statistics are those of what comes, as after training.
        model.train()
        for norm in (c.norm for c in model.convolutions.values() if c.norm is not None):
            norm.momentum = None
            norm.reset_running_stats()
        for _ in range(2):
            model(torch.from_numpy(np.stack(images(2, seed=seed + 50))))
    return model.eval()


def images(count, *, seed=0, size=(48, 56)):
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(-128, 128, (count, 3, size[0] // 8, size[1] // 8))
    fine = coarse.repeat(8, axis=2).repeat(8, axis=3) + rng.normal(0, 12, (count, 3, *size))
    return list(np.clip(np.rint(fine), -128, 127).astype(np.float32))


def exported(model, **settings):
    return export(model, images=images(2), height=48, width=56, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"bits": 4}, {"bits": 6}, {"bits": 4, "method": "exact", "per_channel": True},
        {"levels": 7, "method": "inq"}, {"bits": 4, "method": "exact", "terms": 2},
    ],
    ids=str,
)  # fmt: skip
def test_each_layer_is_within_a_step_of_real_numbers(settings):
    """Each layer, on the integer network's own maps, against torch in float64."""
    model = float_network()
    network = exported(model, weights=WeightSettings(**settings))
    image = network.input.quantize(images(1, seed=9)[0])
    maps = network.run(image, keep=network.maps)
    real = {name: integers * network.maps[name].scale for name, integers in maps.items()}
    varied = 0
    for node in network.nodes:
        if node.op == "max_pool":
            continue
        convolution = model.convolutions[node.name].double()
        weights = quantize(convolution.weight.detach().float().numpy(), **settings).dequantize()
        with torch.no_grad():
            convolution.weight.copy_(torch.from_numpy(weights))
            added = None if node.residual is None else real[node.residual]
            out = convolution(
                torch.from_numpy(real[node.source])[None],
                None if added is None else torch.from_numpy(added)[None],
            )
        steps = out[0].numpy() / network.maps[node.name].scale
        rule = node.layer.requantization
        off = np.abs(maps[node.name] - np.clip(steps, rule.low, rule.high))
        assert off.max() <= 0.5 + 0.05, (node.name, off.max())
        varied += len(np.unique(maps[node.name])) > 30
    assert varied > 15


def test_the_outputs_are_close_to_those_of_the_float_network_with_these_weights():
    model = float_network()
    settings = WeightSettings(bits=6, method="exact")
    network = exported(model, weights=settings)
    QuantizedTraining(model, Recipe(weights=settings))
    for image in images(2, seed=5):
        with torch.no_grad():
            wanted = model(torch.from_numpy(image)[None])
        got = network.floats(network.run(network.input.quantize(image)))
        assert got.keys() == wanted.keys()
        for name, values in got.items():
            float_values = wanted[name][0].numpy()
            noise = np.square(values - float_values).mean() / float_values.var()
            assert noise < 0.02, (name, noise)


def test_multipoint_weights_come_close_to_the_float_network():
    model = float_network()
    settings = WeightSettings(bits=4, method="exact", per_channel=True, tolerance=1e-4, terms=4)
    network = exported(model, weights=settings)
    assert max(len(n.layer.terms) for n in network.nodes if n.op == "convolution") in (3, 4)
    image = images(1, seed=5)[0]
    with torch.no_grad():
        wanted = model(torch.from_numpy(image)[None])
    got = network.floats(network.run(network.input.quantize(image)))
    for name, values in got.items():
        float_values = wanted[name][0].numpy()
        assert np.square(values - float_values).mean() < 0.05 * float_values.var(), name


def test_the_formats_are_those_of_the_layer_table():
    network = exported(float_network(), weights=WeightSettings(bits=4))
    assert network.net == NET
    assert network.outputs == ("rpn_cls_score", "rpn_bbox_pred", "rfcn_cls", "rfcn_bbox")
    table = layer_table(NET, 48, 56)
    nodes = {node.name: node for node in network.nodes}
    assert list(nodes) == [table[0].name, "pool1", *(layer.name for layer in table[1:])]
    for layer in table:
        assert nodes[layer.name].format.signed == (not layer.relu)
        assert nodes[layer.name].layer.shape == layer.shape
    # Pixels between -128 and 127 lose nothing that matters to the input's eight bits.
    assert network.input.format == ActivationFormat(bits=8, signed=True)
    assert 0.9 < network.input.scale < 1.1
    assert nodes["res2a_branch2c"].residual == "res2a_branch1"
    assert nodes["res4a_branch2c"].residual == "res3a_branch2c"
    assert nodes["rpn_conv/3x3"].source == "res4a_branch2c"
    assert network.quantization["weights"]["bits"] == 4
    assert network.quantization["activations"]["bits"] == 8


def test_few_bits_and_powers_of_two():
    network = exported(
        float_network(), weights=WeightSettings(bits=4),
        activations=ActivationSettings(bits=4, power_of_two=True),
    )  # fmt: skip
    for name, of in network.maps.items():
        assert of.format.bits == (8 if name == INPUT else 4)
        assert np.log2(of.scale) == round(np.log2(of.scale))
    # Steps that are powers of two make the residual's multiplier one as well.
    for node in network.nodes:
        if node.residual is not None:
            multiplier = node.layer.requantization.residual_multiplier
            assert (multiplier & (multiplier - 1) == 0).all()


@pytest.mark.parametrize("affine", [False, True])
def test_what_was_trained_is_kept(affine):
    model = float_network()
    recipe = Recipe(
        weights=WeightSettings(bits=4, method="exact", affine=affine),
        activations=ActivationSettings(bits=6),
    )
    training = QuantizedTraining(model, recipe)
    training.begin(0, lambda: [torch.from_numpy(np.stack(images(2)))])
    network = export(model, height=48, width=56)
    for node in network.nodes:
        if node.op == "max_pool":
            continue
        weights, factor = training.golden_weights()[node.name]
        gamma = model.convolutions[node.name].norm
        signs = 1 if gamma is None else np.where(gamma.weight.detach().numpy() < 0, -1, 1)
        values = node.layer.terms[0] * 2.0 ** int(node.exponent)
        signs = np.broadcast_to(signs, len(values))[:, None, None, None]
        np.testing.assert_array_equal(values * signs, weights.dequantize())
        assert (factor == 1) == (not affine)
    quantizers = training.activations.quantizers
    assert network.input.scale == quantizers[INPUT].step
    for node in network.nodes:
        if node.op == "convolution":
            quantizer = quantizers[node.name]
            assert (node.format, node.scale) == (quantizer.format, quantizer.step)
    # The model that was trained computes the same, but for ties that its floats round otherwise;
    # each of them disturbs the layers behind it.
    image = images(1, seed=4)[0]
    with torch.no_grad():
        wanted = model(torch.from_numpy(image)[None], maps=["conv1"])
    got = network.run(network.input.quantize(image), keep=["conv1", *network.outputs])
    for name, values in network.floats(got).items():
        off = values - wanted[name][0].numpy()
        if name == "conv1":
            assert (np.abs(off) > network.maps[name].scale / 2).mean() < 0.01
        assert np.square(off).mean() < 0.05 * wanted[name].numpy().var(), name
    for settings in ({"weights": WeightSettings(bits=4)}, {"activations": ActivationSettings()}):
        with pytest.raises(ExportError, match="was trained with quantized"):
            export(model, images=images(1), **settings)


def test_an_exported_network_comes_back_from_its_files(tmp_path):
    network = exported(float_network(), weights=WeightSettings(bits=4), origin="a test")
    write_network(tmp_path / "net.npz", network)
    read = read_network(tmp_path / "net.npz")
    assert read.origin == "a test"
    assert read.quantization == {key: {**value} for key, value in network.quantization.items()}
    image = network.input.quantize(images(1, seed=2)[0])
    for name, values in network.run(image).items():
        np.testing.assert_array_equal(read.run(image, keep=[name])[name], values)


def test_what_cannot_be_exported():
    model = float_network()
    with pytest.raises(ExportError, match="float weights: tell how"):
        export(model, images=images(1))
    with pytest.raises(CalibrationError, match="no images"):
        export(model, weights=WeightSettings(bits=4))
    with pytest.raises(ExportError, match="conv1 has float weights"):
        export(model, weights=WeightSettings(bits=4, layers=("rfcn_cls",)), images=images(1))
    with pytest.raises(CalibrationError, match="no map 'conv1'"):
        calibrate(lambda image: {}, images(1), map_formats(layer_table(NET)), ActivationSettings())


def test_the_model_is_left_as_it_was():
    model = float_network().train()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    exported(model, weights=WeightSettings(bits=4))
    assert model.training
    assert not any(hasattr(c, "weight_quantizer") for c in model.convolutions.values())
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name


@pytest.mark.parametrize(
    ("settings", "array"),
    [
        ({"bits": 4}, "ulx3s"),
        ({"bits": 4, "per_channel": True, "method": "exact"}, "ulx3s"),
        ({"bits": 6}, "ulx3s-dense"),
    ],
)
def test_every_layer_fits_an_array(settings, array):
    network = exported(float_network(), weights=WeightSettings(**settings))
    for node in network.nodes:
        if node.op == "convolution":
            compile_layer(node.layer, preset(array))
