"""The figures of `zeroshift compare` as JSON and CSV."""

import csv
import dataclasses
import io
from collections.abc import Iterator, Mapping, Sequence

from boards.report import BoardReport
from cli.comparison import FLOAT_BYTES, LAYER_GOAL, REASONS, TOTAL_GOAL, BoardTime, Row

UNITS = {
    "cycles": "with a tile under way; load_cycles lie between the tiles",
    "lower_bound_cycles": "nonzeros x output pixels / processing elements",
    "utilisation": "lower_bound_cycles / cycles; the product of the losses' factors",
    "speedup_same_elements": "dense cycles x elements / (cycles x elements)",
    "speedup_same_fpga": "times, each design filling the FPGA at its own clock, as reported",
    "fpga": "on the array that fills the FPGA; milliseconds of its cycles at its clock",
    "traffic_bytes": "weights once for each tile, activations into the array, outputs out of it",
    "steps_per_byte": "nonzeros x output pixels / traffic_bytes",
    "memory_cycles": "traffic_bytes / bandwidth, by bandwidth in bytes per cycle",
}
"""What the figures mean."""


def report(
    rows: Sequence[Row],
    *,
    images: Mapping[str, tuple[int, int]],
    method: str,
    weights: str,
    seed: int,
    bandwidths: Sequence[float],
    reports: Mapping[str, BoardReport],
) -> dict:
    """The report of a comparison.

    Parameters
    ----------
    rows : layers and totals.
    images : height and width of each network's image.
    method : the quantizer.
    weights, seed : where the weights come from.
    bandwidths : of the memory, in bytes per cycle.
    reports : on boards.
    """
    return {
        "images": {name: list(size) for name, size in images.items()},
        "method": method,
        "weights": weights,
        "seed": seed,
        "goals": {"layer": LAYER_GOAL, "total": TOTAL_GOAL},
        "units": UNITS,
        "arrays": {
            row.config.name + f"-{row.config.levels}": dataclasses.asdict(row.config)
            for row in rows
        },
        "boards": {name: dataclasses.asdict(board) for name, board in reports.items()},
        "rows": [_figures(row, bandwidths, weights) for row in rows],
    }


def _figures(row: Row, bandwidths: Sequence[float], weights: str) -> dict:
    figures, shape = row.figures, row.shape
    below = figures.utilisation < row.goal
    return {
        "net": row.net,
        "layer": row.layer,
        "stage": row.stage,
        "bits": row.bits,
        "array": row.config.name,
        "fpga": _board(row.board),
        "processing_elements": row.config.processing_elements,
        "weights_from": weights,
        "cin": shape.cin if shape else None,
        "cout": shape.cout if shape else None,
        "kernel": shape.kernel[0] if shape else None,
        "stride": shape.stride[0] if shape else None,
        "dilation": shape.dilation[0] if shape else None,
        "out_height": shape.out_height if shape else None,
        "out_width": shape.out_width if shape else None,
        "weights": row.weights,
        "macs": row.macs,
        "nonzeros": figures.nonzeros,
        "density": row.density,
        "cycles": figures.cycles,
        "load_cycles": figures.load_cycles,
        "lower_bound_cycles": figures.lower_bound_cycles,
        "utilisation": figures.utilisation,
        "goal": row.goal,
        "falls_short_by": REASONS[row.largest_loss] if below else None,
        "losses": dataclasses.asdict(figures.losses),
        "tiles": figures.tiles,
        "passes": figures.passes,
        "weight_bytes": figures.weight_bytes,
        "float_weight_bytes": FLOAT_BYTES * row.weights,
        "traffic_bytes": figures.traffic_bytes,
        "steps_per_byte": row.steps / figures.traffic_bytes,
        "memory_cycles": {f"{b:g}": round(figures.traffic_bytes / b) for b in bandwidths},
        "dense": {
            name: {
                "cycles": dense.cycles,
                "load_cycles": dense.load_cycles,
                "processing_elements": dense.processing_elements,
                "weight_bytes": dense.weight_bytes,
                "fpga": _board(dense.board),
                "speedup_same_elements": row.speedup(name),
                "speedup_same_fpga": row.board_speedup(name),
            }
            for name, dense in row.dense.items()
        },
    }


def _board(time: BoardTime) -> dict:
    return {**dataclasses.asdict(time), "milliseconds": time.milliseconds}


def csv_text(figures: dict) -> str:
    """The rows of a report as CSV, nested figures under names such as `dense.int8.cycles`."""
    rows = [dict(_flat(row)) for row in figures["rows"]]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(row: dict, prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
