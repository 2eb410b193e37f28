"""Networks come back from their files as they were; files that are wrong are told."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from golden.layer import IntegerConv
from golden.network import IntegerNetwork, IntegerNode
from golden.network_files import read_network, write_network
from golden.network_records import NetworkFileError, pack_weights, unpack_weights
from tests.golden.networks import small_network


@pytest.fixture
def files(tmp_path):
    """The path of a small network's files."""
    path = tmp_path / "net.npz"
    write_network(path, small_network())
    return path


def assert_same(a: IntegerNetwork, b: IntegerNetwork):
    assert (a.net, a.origin, dict(a.quantization)) == (b.net, b.origin, dict(b.quantization))
    assert list(a.maps.items()) == list(b.maps.items())
    for one, two in zip(a.nodes, b.nodes, strict=True):
        assert (one.name, one.op, one.sources) == (two.name, two.op, two.sources)
        np.testing.assert_array_equal(one.exponent, two.exponent)
        if one.op == "max_pool":
            assert one.layer == two.layer
            continue
        assert one.layer.shape == two.layer.shape
        assert one.layer.levels == two.layer.levels
        assert one.layer.input_format == two.layer.input_format
        np.testing.assert_array_equal(one.layer.terms, two.layer.terms)
        for name in ("multiplier", "bias", "shift", "low", "high"):
            np.testing.assert_array_equal(
                getattr(one.layer.requantization, name), getattr(two.layer.requantization, name)
            )
        if one.residual is not None:
            np.testing.assert_array_equal(
                one.layer.requantization.residual_multiplier,
                two.layer.requantization.residual_multiplier,
            )


@pytest.mark.parametrize(("levels", "terms"), [(1, 1), (4, 1), (16, 1), (32, 1), (4, 2)])
@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_network_comes_back(levels, terms, suffix, tmp_path):
    network = small_network(levels=levels, terms=terms)
    write_network((tmp_path / "net").with_suffix(suffix), network)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.json", "net.npz"]
    for name in ("net.npz", "net.json"):
        read = read_network(tmp_path / name)
        assert_same(network, read)
    image = np.random.default_rng(0).integers(-128, 128, network.input.shape)
    for name, values in network.run(image, keep=network.maps).items():
        np.testing.assert_array_equal(read.run(image, keep=[name])[name], values)


def test_exponents_per_channel_come_back(tmp_path):
    nodes = list(small_network().nodes)
    layer = nodes[-1].layer
    nodes[-1] = IntegerNode(
        name="out", source="b", layer=layer, format=nodes[-1].format, scale=0.1,
        exponent=np.array([-40, 3, 0, -1, 1]),
    )  # fmt: skip
    network = IntegerNetwork(net="small", input=small_network().input, nodes=tuple(nodes))
    write_network(tmp_path / "net.npz", network)
    assert_same(network, read_network(tmp_path / "net.npz"))


def test_the_same_network_gives_the_same_bytes(files, tmp_path):
    again = tmp_path / "again" / "net.npz"
    write_network(again, small_network())
    for suffix in (".npz", ".json"):
        one, two = files.with_suffix(suffix), again.with_suffix(suffix)
        assert one.read_bytes() == two.read_bytes()


def test_nothing_is_written_when_a_layer_has_no_file(tmp_path, files):
    node = small_network().nodes[0]
    layer = IntegerConv(
        shape=node.layer.shape, terms=node.layer.terms, requantization=node.layer.requantization,
        input_format=node.layer.input_format,
    )  # fmt: skip
    odd = IntegerNode(
        name="conv1", source="data", layer=layer, format=node.format, scale=node.scale
    )
    network = IntegerNetwork(net="odd", input=small_network().input, nodes=(odd,))
    before = files.read_bytes()
    with pytest.raises(NetworkFileError, match="no sums of powers of two"):
        write_network(files, network)
    assert files.read_bytes() == before
    with pytest.raises(NetworkFileError, match="must end in"):
        write_network(tmp_path / "net", small_network())


def test_packed_weights():
    terms = np.array([0, 1, -1, 2, -8, 1 << 61, -(1 << 61)])
    assert pack_weights(terms).tolist() == [0, 1, -1, 2, -4, 62, -62]
    np.testing.assert_array_equal(unpack_weights(pack_weights(terms), "w"), terms)
    for bad in (64, -64, -128):
        with pytest.raises(NetworkFileError, match=f"w spans .*{bad}"):
            unpack_weights(np.array([0, bad], np.int8), "w")


def rewrite(path, change):
    """Change the record of a network's files."""
    record = json.loads(path.with_suffix(".json").read_text())
    change(record)
    path.with_suffix(".json").write_text(json.dumps(record))


def rewrite_arrays(path, change):
    """Change the arrays of a network's files, and the digest with them."""
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(path, **arrays)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    rewrite(path, lambda record: record["arrays"].update(sha256=digest))


def node(record, name):
    return next(node for node in record["nodes"] if node["name"] == name)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda r: r.update(format="other"), "does not describe an integer network"),
        (lambda r: r.update(version=2), "has version 2 .* reads version 1"),
        (lambda r: r.pop("net"), "has no field 'net'"),
        (lambda r: r.update(extra=1), "a field 'extra' that is not known"),
        (lambda r: r.update(origin=3), "origin of .* is 3, but must be a string"),
        (lambda r: r.update(nodes={}), "nodes of .* must be a list"),
        (lambda r: r.update(nodes=[]), "at least one node"),
        (lambda r: r["nodes"].append(3), "the node number 5 of .* is no JSON object"),
        (lambda r: r["arrays"].update(sha256="0"), "the digests differ"),
        (lambda r: r["arrays"].pop("file"), "arrays of .* has no field 'file'"),
        (lambda r: r["input"].update(bits=9), "activations of 9 bits are refused"),
        (lambda r: r["input"].update(bits=True), "bits of input of .* must be an integer"),
        (lambda r: r["input"].update(height=1 << 70), "height of input of .* must be an integer"),
        (lambda r: r["input"].update(signed=0), "must be true or false"),
        (lambda r: r["input"].update(scale=0), "scale of a feature map is 0.0"),
        (lambda r: r["input"].update(scale=float("inf")), "scale of input of .* is inf"),
        (lambda r: node(r, "b").update(op="gelu"), "'gelu', which this release does not know"),
        (lambda r: node(r, "b").update(source="c"), "b of .* reads the map c"),
        (lambda r: node(r, "b").update(residual="c"), "adds the map c"),
        (lambda r: node(r, "b").update(residual=None), "holds the array b.residual_multiplier"),
        (lambda r: node(r, "out").update(residual="b"), "has no array out.residual_multiplier"),
        (lambda r: node(r, "b").update(kernel=[3]), "kernel of the node b .* pair of integers"),
        (lambda r: node(r, "b").update(kernel=[3, 3.0]), "must be a pair of integers"),
        (lambda r: node(r, "b").update(kernel=[1, 1]), "terms are int64 of shape"),
        (lambda r: node(r, "b").update(stride=[0, 1]), "stride is 0"),
        (lambda r: node(r, "b").update(levels=2), "terms hold"),
        (lambda r: node(r, "b").update(cout=7), "terms are int64 of shape"),
        (lambda r: node(r, "b").update(low=9, high=8), "wrong way round"),
        (lambda r: node(r, "b").update(high=256), "clamps its outputs to 0..256"),
        (lambda r: node(r, "b").update(groups=1), "a field 'groups' that is not known"),
        (lambda r: node(r, "b").pop("dilation"), "b of .* has no field 'dilation'"),
        (lambda r: node(r, "pool1").update(kernel=[9, 99]), "empty"),
        (lambda r: node(r, "pool1").update(signed=True), "keeps format and scale"),
        (lambda r: r["nodes"].pop(0), "reads the map conv1"),
        (lambda r: r["nodes"].pop(), "holds the array out.weights, which no node"),
    ],
)
def test_records_that_are_wrong(files, change, says):
    rewrite(files, change)
    with pytest.raises(NetworkFileError, match=says):
        read_network(files)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: a.pop("b.bias"), "the node b of .* has no array b.bias"),
        (lambda a: a.update(more=np.zeros(2)), "holds the array more, which no node"),
        (lambda a: a.update({"b.bias": a["b.bias"].astype(np.int32)}), "b.bias is int32"),
        (lambda a: a.update({"b.bias": a["b.bias"][:7]}), "8, 7 and 8"),
        (lambda a: a.update({"b.weights": a["b.weights"][:, :7]}), "terms are int64 of shape"),
        (lambda a: a["b.weights"].fill(100), "b.weights spans 100..100"),
        (lambda a: a["b.weights"].fill(9), "terms hold 256"),
        (lambda a: a["b.shift"].fill(64), "shift holds 64"),
        (lambda a: a.update({"b.exponent": np.zeros(3, np.int16)}), "exponent of b has shape"),
    ],
)
def test_arrays_that_are_wrong(files, change, says):
    rewrite_arrays(files, change)
    with pytest.raises(NetworkFileError, match=says):
        read_network(files)


def test_files_that_are_missing_or_no_such_files(files, tmp_path):
    other = tmp_path / "other"
    with pytest.raises(NetworkFileError, match=r"no file .*other\.json"):
        read_network(other.with_suffix(".npz"))
    shutil.copy(files.with_suffix(".json"), other.with_suffix(".json"))
    with pytest.raises(NetworkFileError, match=r"no file .*other\.npz"):
        read_network(other.with_suffix(".npz"))
    files.with_suffix(".json").write_text("{")
    with pytest.raises(NetworkFileError, match="is no JSON file"):
        read_network(files)
    files.with_suffix(".json").write_bytes(b"\xff\xfe")
    with pytest.raises(NetworkFileError, match="is no JSON file"):
        read_network(files)
    files.with_suffix(".json").write_text("[]")
    with pytest.raises(NetworkFileError, match="does not describe"):
        read_network(files)
    with pytest.raises(NetworkFileError, match="must end in"):
        read_network(tmp_path / "net.pt")


def test_bytes_that_are_no_archive(files):
    files.write_bytes(b"PK nothing")
    digest = hashlib.sha256(files.read_bytes()).hexdigest()
    rewrite(files, lambda record: record["arrays"].update(sha256=digest))
    with pytest.raises(NetworkFileError, match=r"no \.npz file of plain arrays"):
        read_network(files)
