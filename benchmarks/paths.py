"""The slow paths of a board's design, estimated after synthesis."""

import argparse
import json
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from boards.path_estimate import estimate_paths
from cli.console import console, write_json


def main() -> None:
    """Tell the paths of what `zeroshift build` has synthesized, by blocks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/ulx3s"), help="of a build")
    parser.add_argument("--least", type=float, default=10.0, help="ns of the fastest path shown")
    parser.add_argument("--depth", type=int, default=4, help="levels of the hierarchy in a block")
    parser.add_argument("--rows", type=int, default=40, help="paths shown")
    parser.add_argument("--json", type=Path, help="write all of them to this file")
    arguments = parser.parse_args()
    netlist = json.loads((arguments.folder / "top.packed.json").read_text())
    paths = estimate_paths(
        netlist["modules"]["top"], least_ns=arguments.least, depth=arguments.depth
    )
    table = Table(title=f"{len(paths)} kinds of paths of {arguments.least:g} ns or more")
    for name in ("ns", "levels", "ends", "from", "to"):
        table.add_column(name, justify="left" if name in ("from", "to") else "right")
    for path in paths[: arguments.rows]:
        table.add_row(
            f"{path.nanoseconds:.1f}", str(path.levels), f"{path.ends:,}",
            escape(path.start), escape(path.end),
        )  # fmt: skip
    console.print(table)
    write_json(arguments.json, [vars(path) for path in paths])


if __name__ == "__main__":
    main()
