"""The layer on which an array on a board tries itself."""

import numpy as np

from compiler import Program, compile_layer
from compiler.errors import FitError
from golden.quantize import quantize
from golden.shape import ConvShape
from golden.synthetic import TABLE_3_2
from hw.board.self_test import Script
from params import ArrayConfig
from sim.workload import create_workload

FILTERS, CHANNELS = 4, 4

KERNEL = 3

HEIGHT = 3
"""Lines of the image."""


def built_in_script(config: ArrayConfig) -> Script:
    """A 3x3 convolution of a small random image, with synthetic weights of the paper's Table 3.2.

    Its weights are quantized by `lbw` to the array's levels; its outputs are the golden model's.

    Raises
    ------
    FitError : the array has no room for it in one tile.
    """
    shape = ConvShape(
        cin=CHANNELS, height=HEIGHT, width=config.lanes, cout=FILTERS * config.rows,
        kernel=KERNEL, padding=KERNEL // 2,
    )  # fmt: skip
    weights = quantize(TABLE_3_2.weights(shape.weight_shape), levels=config.levels)
    workload = create_workload(
        shape, weights, signed_input=False, signed_output=True,
        activation_bits=config.activation_bits,
    )  # fmt: skip
    program = compile_layer(workload.layer, config)
    if len(program.tiles) > 1:
        raise FitError(f"the self-test takes {len(program.tiles)} tiles on {config.name}, not one")
    return script_of(program, workload.image)


def script_of(program: Program, image: np.ndarray) -> Script:
    """What the array is given for the first tile of `program`, and what the golden model gives.

    Parameters
    ----------
    image : (cin, height, width), the integer input activations.
    """
    rows = range(program.config.rows)
    golden = program.golden(image).reshape(program.shape.cout, -1)
    return Script(
        loads=_integers(program.load(0, image)),
        runs=_integers(program.run_table()),
        tile=_integers(program.command(0))[0],
        headers=[_integers(program.rows[k].headers) for k in rows],
        masks=[_integers(program.rows[k].masks) for k in rows],
        codes=[[_integers(words) for words in program.rows[k].codes] for k in rows],
        outputs=[_expected(program, k, golden) for k in rows],
    )


def _expected(program: Program, row: int, golden: np.ndarray) -> list[tuple[int, int]]:
    """A row's output words, and which of their bits belong to a pixel."""
    bits = program.config.activation_bits
    ones = (1 << bits) - 1
    channel, pixel = program.places(0, row)
    raw = np.where(pixel >= 0, golden[channel, pixel], 0) & ones
    counts = np.where(pixel >= 0, ones, 0)

    def joined(words: np.ndarray) -> list[int]:
        return [sum(int(value) << bits * n for n, value in enumerate(word)) for word in words]

    return list(zip(joined(raw), joined(counts), strict=True))


def _integers(words: np.ndarray) -> list[int]:
    """Packed words, uint8 (words, bytes), as integers."""
    return [int.from_bytes(word.tobytes(), "little") for word in words]
