"""What a system finds in its memory, and where."""

import dataclasses
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compiler.system.map_place import MapPlace, from_raw, to_raw
from golden.activations import ActivationFormat
from golden.errors import UserError
from golden.feature_map import FeatureMap
from golden.files import replacing
from params import ArrayConfig
from params.arithmetic import Arithmetic
from params.commands import COMMAND_BYTES, Fault
from params.system import SystemConfig

FORMAT = "zeroshift system image"

VERSION = 1


class ImageError(UserError):
    """A file holds no image of a memory, or an image has no such map; the message says which."""


@dataclass(frozen=True, kw_only=True)
class LayerCommands:
    """The commands of a node: numbers `first` to `first + count - 1`."""

    name: str
    first: int
    count: int


@dataclass(frozen=True, kw_only=True)
class PlacedMap:
    """A map and where it lies.

    Parameters
    ----------
    map : its shape, format and scale.
    place : in memory.
    kept : it is still there at the end of a run; others make room for later ones.
    """

    map: FeatureMap
    place: MapPlace
    kept: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class SystemImage:
    """A network for a system: the contents of its memory at the start, and the places of maps.

    Parameters
    ----------
    config : the system.
    net : name of the network.
    origin : where its weights come from, for reports.
    size : bytes of memory that a run touches, from address 0 on.
    contents : uint8, weights and commands.
    address : of `contents`.
    commands : address of the first command.
    command_count : commands, `END` counted.
    layers : for each node its commands, in order; what is left over belongs to none.
    maps : all maps by name.
    inputs : names of those that are there at the start, `golden.network.INPUT` of a whole network.
    outputs : names of the maps that the network is for.
    """

    config: SystemConfig
    net: str
    origin: str
    size: int
    contents: np.ndarray
    address: int
    commands: int
    command_count: int
    layers: tuple[LayerCommands, ...]
    maps: Mapping[str, PlacedMap]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def memory(self, inputs: Mapping[str, np.ndarray] | None = None) -> bytearray:
        """The memory at the start of a run, zeros where nothing is said.

        Parameters
        ----------
        inputs : integers of the inputs by name; None to leave them out.

        Raises
        ------
        ActivationError : an input of another shape or format.
        ImageError : one is missing.
        """
        memory = bytearray(self.size)
        memory[self.address : self.address + len(self.contents)] = self.contents.tobytes()
        if inputs is None:
            return memory
        for name in self.inputs:
            if name not in inputs:
                raise ImageError(f"the input {name} of {self.net} is missing")
            found = self.maps[name]
            values = found.map.check(np.asarray(inputs[name]), name)
            found.place.write(memory, to_raw(values, self.config.array.activation_bits))
        return memory

    def read_map(self, memory: bytearray, name: str) -> np.ndarray:
        """The integers of a map in a memory, int8 or uint8 (channels, height, width).

        Raises
        ------
        ImageError : no map of this name.
        """
        if name not in self.maps:
            raise ImageError(f"{self.net} has no map {name!r}")
        found = self.maps[name]
        raw = found.place.read(memory)
        bits = self.config.array.activation_bits
        return from_raw(raw, bits, signed=found.map.format.signed).astype(found.map.dtype)

    def layer_of(self, command: int) -> str | None:
        """Name of the node that a command belongs to; None for none."""
        for layer in self.layers:
            if layer.first <= command < layer.first + layer.count:
                return layer.name
        return None

    def describe(self, fault: Fault, place: int) -> str:
        """A fault of a run, in words: its name, and the byte or the command and layer it is at."""
        if fault in (Fault.WINDOW, Fault.BUS):
            return f"{fault.name} at byte {place:#x}"
        layer = self.layer_of(place)
        return f"{fault.name} near command {place}" + (f" of {layer}" if layer else "")

    @property
    def encoded_commands(self) -> np.ndarray:
        """The commands as they lie in memory, uint8 (count, COMMAND_BYTES)."""
        start = self.commands - self.address
        octets = self.contents[start : start + self.command_count * COMMAND_BYTES]
        return octets.reshape(-1, COMMAND_BYTES)


def write_image(image: SystemImage, path: Path) -> None:
    """Write an image to one file, whole or not at all.

    Raises
    ------
    ImageError : a name that does not end in .npz.
    """
    path = _checked(path)
    record = {
        "format": FORMAT,
        "version": VERSION,
        "config": dataclasses.asdict(image.config),
        "net": image.net,
        "origin": image.origin,
        "size": image.size,
        "address": image.address,
        "commands": image.commands,
        "command_count": image.command_count,
        "layers": [dataclasses.asdict(layer) for layer in image.layers],
        "maps": {name: dataclasses.asdict(found) for name, found in image.maps.items()},
        "inputs": image.inputs,
        "outputs": image.outputs,
    }
    text = json.dumps(record, allow_nan=False).encode()
    with replacing(path) as file, file.open("wb") as stream:
        np.savez_compressed(
            stream, contents=image.contents, record=np.frombuffer(text, dtype=np.uint8)
        )


def read_image(path: Path) -> SystemImage:
    """Read an image that `write_image` has written.

    Raises
    ------
    ImageError : no such file, or it does not hold an image; one sentence says which.
    """
    path = _checked(path)
    try:
        packed = path.read_bytes()
    except OSError as failure:
        raise ImageError(f"{path} cannot be read: {failure.strerror}") from failure
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as loaded:
            contents, text = loaded["contents"], loaded["record"]
        record = json.loads(text.tobytes())
        known = isinstance(record, dict) and record.get("format") == FORMAT
    except Exception as failure:  # of zlib, zipfile, tokenize and others: whatever is damaged
        raise ImageError(f"{path} holds no image of a system's memory") from failure
    if not known:
        raise ImageError(f"{path} holds no image of a system's memory")
    if record.get("version") != VERSION:
        raise ImageError(
            f"{path} has version {record.get('version')!r} of the format, but this release reads "
            f"version {VERSION}: compile the network again"
        )
    try:
        image = _image(record, contents)
        problem = _problem(image)
    except UserError as fault:
        raise ImageError(f"{path} describes no image: {fault}") from fault
    except (KeyError, TypeError, ValueError, AttributeError) as failure:
        raise ImageError(
            f"{path} describes no image: a field is missing or of the wrong kind"
        ) from failure
    if problem is not None:
        raise ImageError(f"{path} describes no image: {problem}")
    return image


def _checked(path: Path) -> Path:
    path = Path(path)
    if path.suffix != ".npz":
        raise ImageError(f"{path} must end in .npz, as images of a system's memory do")
    return path


def _image(record: dict[str, Any], contents: np.ndarray) -> SystemImage:
    config = dict(record["config"])
    array = dict(config.pop("array"))
    array["arithmetic"] = Arithmetic(array["arithmetic"])
    array["multipliers"] = tuple(array["multipliers"])
    maps = {}
    for name, found in record["maps"].items():
        shape = tuple(found["map"]["shape"])
        form = ActivationFormat(**found["map"]["format"])
        maps[name] = PlacedMap(
            map=FeatureMap(shape=shape, format=form, scale=found["map"]["scale"]),
            place=MapPlace(**found["place"]),
            kept=found["kept"],
        )
    return SystemImage(
        config=SystemConfig(array=ArrayConfig(**array), **config),
        net=record["net"],
        origin=record["origin"],
        size=record["size"],
        contents=contents,
        address=record["address"],
        commands=record["commands"],
        command_count=record["command_count"],
        layers=tuple(LayerCommands(**layer) for layer in record["layers"]),
        maps=maps,
        inputs=tuple(record["inputs"]),
        outputs=tuple(record["outputs"]),
    )


def _problem(image: SystemImage) -> str | None:
    """What contradicts itself in an image; None when nothing does.

    Raises
    ------
    TypeError : a value of the wrong kind.
    """
    contents, numbers = image.contents, (image.size, image.address, image.commands)
    if contents.dtype != np.uint8 or contents.ndim != 1:
        return f"its contents are {contents.dtype} of {contents.ndim} axes, but must be bytes"
    if not all(_counts(n) for n in (*numbers, image.command_count)):
        return "its sizes and addresses must be integers"
    if image.address + len(contents) > image.size:
        return "its contents do not fit its memory"
    end = image.commands + image.command_count * COMMAND_BYTES
    if image.commands < image.address or end > image.address + len(contents):
        return "its commands lie outside of its contents"
    if not all(name in image.maps for name in (*image.inputs, *image.outputs)):
        return "an input or output has no place"
    if not all(isinstance(text, str) for text in (image.net, image.origin)):
        return "its names must be text"
    for name, found in image.maps.items():
        place = found.place
        numbers = (place.address, place.pitch)
        fits = all(_counts(n) for n in numbers) and place.width <= place.pitch
        if not fits or place.shape != found.map.shape or place.end > image.size:
            return f"the map {name} does not fit its place"
    following = 0
    for layer in image.layers:
        if not _counts(layer.count) or layer.first != following or layer.name not in image.maps:
            return "the commands of its layers do not follow one another"
        following += layer.count
    if not image.layers or following >= image.command_count:
        return "its layers and its commands do not go together"
    return None


def _counts(value: object) -> bool:
    """Whether a value is an integer from 0 up."""
    return isinstance(value, int) and value >= 0
