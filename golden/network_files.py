"""Integer networks as a pair of files: arrays in a .npz, all else in a .json beside it.

docs/network-format.md describes them.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from golden.activations import ActivationFormat
from golden.errors import UserError
from golden.feature_map import FeatureMap
from golden.files import replacing
from golden.layer import QuantizedConv
from golden.network import INPUT, IntegerNetwork, IntegerNode
from golden.network_records import (
    ARRAYS,
    RESIDUAL_ARRAYS,
    NetworkFileError,
    Record,
    pack_weights,
    unpack_weights,
)
from golden.pooling import MaxPool
from golden.requantize import Requantization
from golden.shape import ConvShape

FORMAT = "zeroshift integer network"
"""What tells such a .json file from any other."""

VERSION = 1
"""Version of the format; a reader takes its own alone."""


def write_network(path: Path, network: IntegerNetwork) -> None:
    """Write a network, each file whole or not at all.

    The same network gives the same bytes. The .json carries the digest of the .npz, so that a pair
    of which only one was replaced is found out on reading.

    Parameters
    ----------
    path : ends in .npz or .json; both are written.
    network : its convolutions are `QuantizedConv`.

    Raises
    ------
    NetworkFileError : another ending, or weights that are no powers of two.
    """
    arrays_path, record_path = _pair(path)
    arrays: dict[str, np.ndarray] = {}
    nodes = [_node_record(node, arrays) for node in network.nodes]
    packed = _archive(arrays)
    channels, height, width = network.input.shape
    record = {
        "format": FORMAT,
        "version": VERSION,
        "net": network.net,
        "origin": network.origin,
        "quantization": dict(network.quantization),
        "arrays": {"file": arrays_path.name, "sha256": hashlib.sha256(packed).hexdigest()},
        "input": {
            "channels": channels, "height": height, "width": width,
            **_activations(network.input.format, network.input.scale),
        },
        "nodes": nodes,
    }  # fmt: skip
    text = json.dumps(record, indent=1, allow_nan=False) + "\n"
    with replacing(arrays_path) as arrays_file, replacing(record_path) as record_file:
        arrays_file.write_bytes(packed)
        record_file.write_text(text, encoding="utf-8")


def read_network(path: Path) -> IntegerNetwork:
    """Read a network that `write_network` has written, and check all of it.

    Parameters
    ----------
    path : either of the two files.

    Raises
    ------
    NetworkFileError : a file is missing or is no such file, of another version, does not belong to
        the other, or does not describe a network; one sentence says which.
    """
    arrays_path, record_path = _pair(path)
    record = _read_record(record_path)
    entry = record.record("arrays", ("file", "sha256"))
    arrays = _read_arrays(arrays_path, entry.text("sha256"))
    try:
        network = _network(record, arrays)
    except NetworkFileError:
        raise
    except UserError as fault:
        raise NetworkFileError(f"{record_path} describes no network: {fault}") from fault
    if arrays:
        raise NetworkFileError(
            f"{arrays_path} holds the array {next(iter(arrays))}, which no node of {record_path} "
            f"takes: export the network again"
        )
    return network


def _pair(path: Path) -> tuple[Path, Path]:
    path = Path(path)
    if path.suffix not in (".npz", ".json"):
        raise NetworkFileError(f"{path} must end in .npz or .json: a network is a pair of both")
    return path.with_suffix(".npz"), path.with_suffix(".json")


def _archive(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A .npz of `arrays`; the bytes depend on nothing else, not even on the time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            plain = io.BytesIO()
            np.lib.format.write_array(plain, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, plain.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _read_record(path: Path) -> Record:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as failure:
        raise NetworkFileError(
            f"there is no file {path}: a network is a pair of a .npz and a .json file"
        ) from failure
    except ValueError as failure:
        raise NetworkFileError(f"{path} is no JSON file: {failure}") from failure
    if not isinstance(loaded, dict) or loaded.get("format") != FORMAT:
        raise NetworkFileError(f"{path} does not describe an integer network of Zeroshift")
    if loaded.get("version") != VERSION:
        raise NetworkFileError(
            f"{path} has version {loaded.get('version')!r} of the format, but this release reads "
            f"version {VERSION}: export the network again"
        )
    keys = ("format", "version", "net", "origin", "quantization", "arrays", "input", "nodes")
    return Record(loaded, str(path), keys)


def _read_arrays(path: Path, digest: str) -> dict[str, np.ndarray]:
    try:
        packed = path.read_bytes()
    except FileNotFoundError as failure:
        raise NetworkFileError(
            f"there is no file {path}: a network is a pair of a .npz and a .json file"
        ) from failure
    if hashlib.sha256(packed).hexdigest() != digest:
        raise NetworkFileError(
            f"{path} is not the file that {path.with_suffix('.json').name} was written with: the "
            f"digests differ, so export the network again"
        )
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as loaded:
            return dict(loaded)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as failure:
        raise NetworkFileError(f"{path} is no .npz file of plain arrays: {failure}") from failure


def _activations(form: ActivationFormat, scale: float) -> dict[str, Any]:
    return {"bits": form.bits, "signed": form.signed, "scale": scale}


def _node_record(node: IntegerNode, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """What the .json says of a node; its arrays are added to `arrays`."""
    layer = node.layer
    record = {
        "name": node.name, "op": node.op, "source": node.source,
        **_activations(node.format, node.scale),
    }  # fmt: skip
    if isinstance(layer, MaxPool):
        return record | {
            "kernel": layer.kernel, "stride": layer.stride, "padding": layer.padding,
            "ceil_mode": layer.ceil_mode,
        }  # fmt: skip
    if not isinstance(layer, QuantizedConv):
        raise NetworkFileError(
            f"the weights of {node.name} are no sums of powers of two: only such networks have a "
            f"file"
        )
    shape, rule = layer.shape, layer.requantization
    values = {
        "weights": pack_weights(layer.terms),
        "exponent": node.exponent,
        "multiplier": rule.multiplier,
        "bias": rule.bias,
        "shift": rule.shift,
    }
    if rule.residual_multiplier is not None:
        values["residual_multiplier"] = rule.residual_multiplier
    for key, array in values.items():
        kind = (ARRAYS | RESIDUAL_ARRAYS)[key]
        arrays[f"{node.name}.{key}"] = np.asarray(array).astype(kind)
    return record | {
        "cin": shape.cin, "cout": shape.cout, "kernel": shape.kernel, "stride": shape.stride,
        "dilation": shape.dilation, "padding": shape.padding, "levels": layer.levels,
        "low": rule.low, "high": rule.high,
        "residual": node.residual,
    }  # fmt: skip


def _network(record: Record, arrays: dict[str, np.ndarray]) -> IntegerNetwork:
    """The network; the arrays that it takes are removed from `arrays`."""
    entry = record.record("input", ("channels", "height", "width", "bits", "signed", "scale"))
    size = (entry.integer("height"), entry.integer("width"))
    image = FeatureMap(
        shape=(entry.integer("channels"), *size), format=_format(entry), scale=entry.real("scale")
    )
    # Sizes and formats follow from those of the sources.
    maps = {INPUT: image}
    nodes = []
    for found in record.records("nodes"):
        source = maps.get(found.text("source"))
        if source is None:
            raise NetworkFileError(
                f"{found.where} reads the map {found.text('source')}, which no node before it makes"
            )
        if found.text("op") == "max_pool":
            node, shape = _pool_node(found, source)
        elif found.text("op") == "convolution":
            node, shape = _convolution_node(found, maps, arrays)
        else:
            raise NetworkFileError(
                f"{found.where} is the operation {found.text('op')!r}, which this release does not "
                f"know; it knows convolution and max_pool"
            )
        nodes.append(node)
        maps[node.name] = FeatureMap(shape=shape, format=node.format, scale=node.scale)
    return IntegerNetwork(
        net=record.text("net"),
        input=image,
        nodes=tuple(nodes),
        quantization=record.mapping("quantization"),
        origin=record.text("origin"),
    )


def _format(record: Record) -> ActivationFormat:
    return ActivationFormat(bits=record.integer("bits"), signed=record.boolean("signed"))


COMMON = ("name", "op", "source", "bits", "signed", "scale")
"""Keys of every node."""


def _pool_node(record: Record, source: FeatureMap):
    record.expect((*COMMON, "kernel", "stride", "padding", "ceil_mode"))
    layer = MaxPool(
        kernel=record.pair("kernel"),
        stride=record.pair("stride"),
        padding=record.pair("padding"),
        ceil_mode=record.boolean("ceil_mode"),
    )
    node = IntegerNode(
        name=record.text("name"), source=record.text("source"), layer=layer,
        format=_format(record), scale=record.real("scale"),
    )  # fmt: skip
    return node, (source.shape[0], *layer.output_size(*source.shape[1:]))


def _convolution_node(record: Record, maps: dict[str, FeatureMap], arrays: dict[str, np.ndarray]):
    record.expect(
        (*COMMON, "cin", "cout", "kernel", "stride", "dilation", "padding", "levels", "low",
         "high", "residual")
    )  # fmt: skip
    source = maps[record.text("source")]
    shape = ConvShape(
        cin=record.integer("cin"),
        cout=record.integer("cout"),
        kernel=record.pair("kernel"),
        stride=record.pair("stride"),
        dilation=record.pair("dilation"),
        padding=record.pair("padding"),
        height=source.shape[1],
        width=source.shape[2],
    )
    name, added = record.text("name"), record.optional_text("residual")
    residual = None if added is None else maps.get(added)
    if added is not None and residual is None:
        raise NetworkFileError(
            f"{record.where} adds the map {added}, which no node before it makes"
        )
    kinds = ARRAYS if added is None else ARRAYS | RESIDUAL_ARRAYS
    values = {key: _take(arrays, record, key, kind) for key, kind in kinds.items()}
    layer = QuantizedConv(
        shape=shape,
        terms=unpack_weights(values["weights"], f"{name}.weights"),
        levels=record.integer("levels"),
        requantization=Requantization(
            multiplier=values["multiplier"],
            bias=values["bias"],
            shift=values["shift"],
            low=record.integer("low"),
            high=record.integer("high"),
            residual_multiplier=values.get("residual_multiplier"),
        ),
        input_format=source.format,
        residual_format=None if residual is None else residual.format,
    )
    node = IntegerNode(
        name=name, source=record.text("source"), layer=layer, format=_format(record),
        scale=record.real("scale"), exponent=values["exponent"].astype(np.int64), residual=added,
    )  # fmt: skip
    return node, shape.output_shape


def _take(arrays: dict[str, np.ndarray], record: Record, key: str, kind: str) -> np.ndarray:
    name = f"{record.text('name')}.{key}"
    if name not in arrays:
        raise NetworkFileError(f"{record.where} has no array {name}: export the network again")
    array = arrays.pop(name)
    if array.dtype != np.dtype(kind):
        raise NetworkFileError(f"the array {name} is {array.dtype}, but must be {kind}")
    return array
