"""Which layer a command works on: one of a network, or one of the user's own."""

import re
from dataclasses import dataclass

from cli.console import UsageError
from golden.shape import ConvShape
from rfcn.layers import find_layer


@dataclass(frozen=True, kw_only=True)
class Selection:
    """A convolution and the sign flags of its activations."""

    name: str
    shape: ConvShape
    signed_input: bool
    signed_output: bool


def parse_size(text: str, option: str) -> tuple[int, int]:
    """(height, width) from text such as 600x800."""
    match = re.fullmatch(r"(\d+)[xX](\d+)", text)
    if not match or not all(int(part) for part in match.groups()):
        raise UsageError(f"{option} is {text!r}, but must be HEIGHTxWIDTH, such as 24x32")
    height, width = match.groups()
    return int(height), int(width)


def select_layer(
    *,
    net: str,
    layer: str | None,
    own: dict[str, int | None],
    image: str | None,
    crop: str | None,
    signed_input: bool | None,
    signed_output: bool | None,
) -> Selection:
    """The layer that the options describe.

    Parameters
    ----------
    net, layer : a layer of a network's table, for an input image of size `image`, or of the
        network's usual size when None.
    own : the fields of a `ConvShape`, those not given None; instead of a network's layer.
    crop : HEIGHTxWIDTH to which the layer's input is cropped.
    signed_input, signed_output : flags of the activations; the network's, or unsigned, when None.

    Raises
    ------
    UsageError : the options do not describe one layer.
    """
    given = {name: value for name, value in own.items() if value is not None}
    if layer is not None:
        if given:
            raise UsageError(
                f"--layer names a layer of the network, so --{next(iter(given))} cannot be given"
            )
        size = () if image is None else parse_size(image, "--image")
        found = find_layer(net, layer, *size)
        shape, flags = found.shape, (found.signed_input, found.signed_output)
        name = found.name
    else:
        needed = ("cin", "cout", "kernel", "height", "width")
        missing = [f"--{field}" for field in needed if field not in given]
        if missing:
            raise UsageError(
                f"give --layer NAME for a layer of --net, or describe one of your own with "
                f"{', '.join(missing)}"
            )
        shape, flags, name = ConvShape(**given), (False, False), "own"
    if crop is not None:
        shape = shape.cropped(*parse_size(crop, "--crop"))
    return Selection(
        name=name,
        shape=shape,
        signed_input=flags[0] if signed_input is None else signed_input,
        signed_output=flags[1] if signed_output is None else signed_output,
    )
