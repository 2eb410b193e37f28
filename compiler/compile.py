"""From a quantized layer to a program."""

import numpy as np

from compiler.bounds import check_fit, offsets
from compiler.program import Program, RowStream
from compiler.schedule import Schedule, schedule_layer
from compiler.stream import decode, encode
from golden.layer import QuantizedConv
from params import ArrayConfig, layouts, packing


def compile_layer(layer: QuantizedConv, config: ArrayConfig) -> Program:
    """Compile a layer.

    Raises
    ------
    FitError : the layer does not fit the array; the message says why and what would fit.
    """
    check_fit(layer, config)
    schedule = schedule_layer(layer.shape, layer.terms != 0, config)
    rows = _row_streams(layer, schedule)
    return Program(config=config, layer=layer, plan=schedule.plan, rows=rows)


def _row_streams(layer: QuantizedConv, schedule: Schedule) -> tuple[RowStream, ...]:
    config = schedule.config
    positions = schedule.plan.layout.arrange(layer.terms)
    # A channel -1 finds the empty filter at the end.
    positions = np.concatenate([positions, np.zeros_like(positions[:1])])
    requantization = layer.requantization
    offset = np.array([*offsets(layer), 0], dtype=np.int64)
    multiplier, shift = (
        np.append(np.asarray(field, dtype=np.int64), 0)
        for field in (requantization.multiplier, requantization.shift)
    )
    streams = []
    for channels in schedule.channels:
        weights = encode(positions[channels], config)
        fields = {
            "lengths": {"groups": weights.groups, "code_words": weights.code_words},
            "requantization": {
                "multiplier": multiplier[channels],
                "offset": offset[channels],
                "shift": shift[channels],
            },
            "end": np.arange(len(channels)) == len(channels) - 1,
        }
        headers = packing.pack(layouts.header(config), fields, len(channels))
        streams.append(RowStream(channels=channels, headers=headers, weights=weights))
    return tuple(streams)


def decompile_weights(program: Program) -> np.ndarray:
    """The weights in a program's streams, as in `QuantizedConv.terms`.

    Returns
    -------
    int64 (terms, cout, cin, kernel height, kernel width).
    """
    layout = program.layout
    runs = len(layout.runs)
    positions = np.zeros((program.shape.cout, runs, layout.run_length), dtype=np.int64)
    for row in program.rows:
        weights = decode(row.weights, program.config, runs=runs, length=layout.run_length)
        present = row.channels >= 0
        positions[row.channels[present]] = weights[present]
    return layout.collect(positions)
