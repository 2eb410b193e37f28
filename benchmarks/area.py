"""LUTs and flip-flops per lane on the ECP5, by number of levels."""

import argparse
import dataclasses
from pathlib import Path

from rich.table import Table

from boards.ecp5 import synthesize
from cli.console import console, progress_bar, write_json
from hw.lane_group import LaneGroup
from hw.processing_element import ProcessingElement
from params import ArrayConfig, preset

ACCUMULATOR_BITS = 24
"""Width at which arrays of different levels are compared."""

CORE_TARGETS = {4: 45, 16: 95}
"""LUT4 of a processing element."""

LANE_TARGETS = {4: 100, 16: 165}
"""LUT4 of a lane in the array, with lane shift and drain."""


def main() -> None:
    """Synthesize a processing element and a lane group for each number of levels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--levels", type=int, nargs="+", default=[1, 4, 8, 16])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--folder", type=Path, default=Path("build/area"))
    arguments = parser.parse_args()

    rows = []
    with progress_bar() as bar:
        for levels in bar.track(arguments.levels, description="synthesizing"):
            config = dataclasses.replace(
                preset("ulx3s"), levels=levels, accumulator_bits=ACCUMULATOR_BITS
            )
            rows.append(_measure(config, arguments.folder))
    table = Table(
        title=f"LUT4 and flip-flops, synth_ecp5, {ACCUMULATOR_BITS}-bit accumulators",
        caption="LUT4 count carry cells as two. core: shifter and accumulator; in the array: with "
        "lane shift, the way to the drain and a share of the group's control.",
    )
    for name in (
        "levels", "core LUT4", "target", "FF", "in the array", "target", "FF",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            *(
                "" if value is None else f"{value:g}"
                for value in (
                    row["levels"], row["core_luts"], CORE_TARGETS.get(row["levels"]),
                    row["core_flip_flops"],
                    round(row["lane_luts"], 1), LANE_TARGETS.get(row["levels"]),
                    round(row["lane_flip_flops"], 1),
                )
            )
        )  # fmt: skip
    console.print(table)
    write_json(arguments.json, rows)


def _measure(config: ArrayConfig, folder: Path) -> dict:
    element = synthesize(ProcessingElement(config), folder, name=f"element_{config.levels}")
    group = synthesize(LaneGroup(config), folder, name=f"lanes_{config.levels}")
    lanes = config.lanes_per_group
    return {
        "levels": config.levels,
        "core_luts": element.luts,
        "core_flip_flops": element.ff,
        "lane_luts": group.luts / lanes,
        "lane_flip_flops": group.ff / lanes,
    }


if __name__ == "__main__":
    main()
