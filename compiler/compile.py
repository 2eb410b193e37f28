"""From a quantized layer to a program."""

from collections.abc import Sequence

import numpy as np

from compiler.balance import assign_rows, pair_filters
from compiler.bounds import check_fit
from compiler.epilogue import epilogue_fields
from compiler.layout import Layout
from compiler.program import Program, RowStream
from compiler.stream import decode, encode
from compiler.tiling import plan_tiles
from golden.layer import IntegerConv
from params import ArrayConfig, layouts, packing


def compile_layer(layer: IntegerConv, config: ArrayConfig) -> Program:
    """Compile a layer.

    Raises
    ------
    FitError : the layer does not fit the array; the message says why and what would fit.
    """
    check_fit(layer, config)
    terms, cout = layer.terms.shape[:2]
    steps = np.ones(layer.terms.shape, dtype=bool) if config.dense else layer.terms != 0
    support = steps.swapaxes(0, 1).reshape(cout, -1)
    groups = pair_filters(support, config.filters_per_row)
    # A channel -1 finds the empty filter at the end.
    padded = np.concatenate([support, np.zeros_like(support[:1])])
    union = padded[groups].any(axis=1).sum(axis=1)
    cycles = np.maximum(config.turns * union, config.drain_words)
    members = assign_rows(cycles, config.rows)
    busiest = max(int(cycles[row].sum()) for row in members)

    plan = plan_tiles(layer.shape, config, terms=terms, steps=busiest)
    rows = _row_streams(layer, config, plan.layout, groups, members)
    if any(tile.passes > 1 for tile in plan.tiles) and not _replays(rows, config):
        plan = plan_tiles(layer.shape, config, terms=terms, steps=busiest, replay=False)
        rows = _row_streams(layer, config, plan.layout, groups, members)
    return Program(config=config, layer=layer, plan=plan, rows=rows)


def _row_streams(
    layer: IntegerConv,
    config: ArrayConfig,
    layout: Layout,
    groups: np.ndarray,
    members: Sequence[np.ndarray],
) -> tuple[RowStream, ...]:
    positions = layout.arrange(layer.terms)
    positions = np.concatenate([positions, np.zeros_like(positions[:1])])
    (present,) = layout.arrange(np.ones_like(layer.terms[:, :1], dtype=bool))
    epilogue = epilogue_fields(layer, config)
    streams = []
    for row in members:
        channels = groups[row]
        weights = encode(positions[channels], config, present=present)
        fields = {
            "lengths": {"groups": weights.groups, "code_words": weights.code_words},
            "epilogue": {key: values[channels] for key, values in epilogue.items()},
            "end": np.arange(len(row)) == len(row) - 1,
        }
        headers = packing.pack(layouts.header(config), fields, len(row))
        streams.append(RowStream(channels=channels, headers=headers, weights=weights))
    return tuple(streams)


def _replays(rows: Sequence[RowStream], config: ArrayConfig) -> bool:
    """Whether every filter group fits the weight buffers."""
    return all(
        row.weights.groups.max(initial=0) <= config.mask_depth
        and row.weights.code_words.max(initial=0) <= config.code_depth
        for row in rows
    )


def decompile_weights(program: Program) -> np.ndarray:
    """The weights in a program's streams, as in `IntegerConv.terms`.

    Returns
    -------
    int64 (terms, cout, cin, kernel height, kernel width).
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
