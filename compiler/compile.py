"""From a quantized layer to a program."""

import numpy as np

from compiler.bounds import check_fit
from compiler.epilogue import epilogue_fields
from compiler.limits import ALL, Limits
from compiler.program import Program, RowStream
from compiler.schedule import Schedule, schedule_layer
from compiler.stream import decode, encode
from golden.float_layer import FloatConv
from golden.layer import IntegerConv
from params import ArrayConfig, layouts, packing


def compile_layer(
    layer: IntegerConv | FloatConv, config: ArrayConfig, limits: Limits = ALL
) -> Program:
    """Compile a layer.

    Parameters
    ----------
    limits : what its tiles may use of the array.

    Raises
    ------
    FitError : the layer does not fit the array; the message says why and what would fit.
    """
    check_fit(layer, config)
    support = np.ones(layer.terms.shape, dtype=bool) if config.dense else layer.terms != 0
    return encode_schedule(layer, schedule_layer(layer.shape, support, config, limits))


def encode_schedule(layer: IntegerConv | FloatConv, schedule: Schedule) -> Program:
    """The program of a layer that fits the array, by its schedule."""
    rows = _row_streams(layer, schedule)
    return Program(config=schedule.config, layer=layer, plan=schedule.plan, rows=rows)


def _row_streams(layer: IntegerConv | FloatConv, schedule: Schedule) -> tuple[RowStream, ...]:
    config = schedule.config
    layout = schedule.plan.layout
    positions = layout.arrange(layer.terms)
    # A channel -1 finds the empty filter at the end.
    positions = np.concatenate([positions, np.zeros_like(positions[:1])])
    (present,) = layout.arrange(np.ones_like(layer.terms[:, :1], dtype=bool))
    epilogue = epilogue_fields(layer, config)
    streams = []
    for channels in schedule.channels:
        weights = encode(positions[channels], config, present=present)
        fields = {
            "lengths": {"groups": weights.groups, "code_words": weights.code_words},
            "epilogue": {key: values[channels] for key, values in epilogue.items()},
            "end": np.arange(len(channels)) == len(channels) - 1,
        }
        headers = packing.pack(layouts.header(config), fields, len(channels))
        streams.append(RowStream(channels=channels, headers=headers, weights=weights))
    return tuple(streams)


def decompile_weights(program: Program) -> np.ndarray:
    """The weights in a program's streams, as in `IntegerConv.terms`.

    Returns
    -------
    int64 or float32 (terms, cout, cin, kernel height, kernel width).
    """
    layout = program.layout
    runs = len(layout.runs)
    size = (program.shape.cout, runs, layout.run_length)
    positions = np.zeros(size, dtype=program.layer.terms.dtype)
    for row in program.rows:
        weights = decode(row.weights, program.config, runs=runs, length=layout.run_length)
        present = row.channels >= 0
        positions[row.channels[present]] = weights[present]
    return layout.collect(positions)
