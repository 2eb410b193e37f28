"""`zeroshift compare`: whole networks on arrays for power-of-two weights and on dense ones."""

from pathlib import Path
from typing import Annotated

import typer

from boards.report import REPORTS, read_reports
from cli.compare_pictures import draw_comparison
from cli.compare_report import csv_text, report
from cli.compare_tables import layer_table_of, shortfall_table, total_table
from cli.comparison import Row, compare_network, count_tasks
from cli.console import JsonOption, console, progress_bar, write_json, write_text
from cli.designs import missing_reports
from cli.layers import parse_size
from cli.lists import numbers, parts, positives
from cli.network_weights import Table, network_weights
from rfcn.layers import layer_table

EPILOG = """Examples:

zeroshift compare

zeroshift compare --net rfcn-resnet50,rfcn-resnet101 --no-layers --plots build/compare

zeroshift compare --bits 4 --table 3.2 --csv layers.csv

zeroshift compare --checkpoint resnet50.npz --method exact --preset ulx3s --json figures.json
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("compare", epilog=EPILOG)(compare_command)


def compare_command(
    net: Annotated[str, typer.Option(help="Networks, separated by commas.")] = "rfcn-resnet50",
    image: Annotated[
        str | None, typer.Option(help="Image size, HxW; each network's usual one if not given.")
    ] = None,
    bits: Annotated[
        str, typer.Option(help="Bits per weight, 2 to 6, separated by commas.")
    ] = "2,3,4,5,6",
    method: Annotated[str, typer.Option(help="Quantizer: lbw, exact or inq.")] = "lbw",
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Float weights named like the layers: .npz or a torch state dict."),
    ] = None,
    table: Annotated[
        Table,
        typer.Option(
            help="Without a checkpoint: the paper's table that weights are like; both "
            "takes 3.3 for the RPN's 3x3 layer."
        ),
    ] = Table.BOTH,
    seed: Annotated[int, typer.Option(help="Of synthetic weights.")] = 0,
    preset_name: Annotated[
        str | None,
        typer.Option("--preset", help="Array; if not given ulx3s up to 4 bits, then ulx3s-dense."),
    ] = None,
    reports: Annotated[
        Path, typer.Option(help="Folder of board reports, for the same FPGA.")
    ] = REPORTS,
    bandwidth: Annotated[
        str, typer.Option(help="Memory bandwidths of the roofline, in bytes per cycle.")
    ] = "2,8",
    layers: Annotated[bool, typer.Option(help="Print a table of the layers.")] = True,
    json_path: JsonOption = None,
    csv_path: Annotated[
        Path | None, typer.Option("--csv", help="Write the figures to this CSV file.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(help="Draw pictures, PNG and SVG, into this folder.")
    ] = None,
) -> None:
    """Count, to the cycle, what every layer takes, and compare with arrays that do not skip zeros.

    Cycles are those of the RTL with a tile under way. Utilisation is the lower bound, nonzero
    weights x output pixels / processing elements, over them.
    """
    nets, widths = parts(net, "--net"), numbers(bits, "--bits")
    bandwidths = positives(bandwidth, "--bandwidth")
    size = () if image is None else parse_size(image, "--image")
    tables = {name: layer_table(name, *size) for name in nets}
    weights = network_weights(checkpoint, table=table, seed=seed)
    for network in tables.values():
        weights.check(network)
    boards = read_reports(reports)
    rows: list[Row] = []
    with progress_bar() as bar:
        task = bar.add_task("counting", total=sum(map(count_tasks, tables.values())))
        for name, network in tables.items():
            bar.update(task, description=name)
            rows += compare_network(
                name, network, weights, bits=widths, method=method, preset_name=preset_name,
                reports=boards, done=lambda: bar.advance(task),
            )  # fmt: skip
    images = {name: network[0].shape.input_shape[1:] for name, network in tables.items()}
    figures = report(
        rows, images=images, method=method, weights=weights.description, seed=seed,
        bandwidths=bandwidths, reports=boards,
    )  # fmt: skip
    write_json(json_path, figures)
    if csv_path is not None:
        write_text(csv_path, csv_text(figures))
    if layers:
        for name in nets:
            for width in widths:
                own = [row for row in rows if (row.net, row.bits) == (name, width)]
                console.print(layer_table_of(own, weights.description))
    console.print(total_table(rows, weights.description, method))
    console.print(shortfall_table(rows))
    missing = missing_reports(boards, widths, preset_name)
    if missing:
        console.print(
            f"no board reports in {reports} on {', '.join(missing)}: nothing is said of the same "
            "FPGA with these; 'zeroshift area' writes them", highlight=False,
        )  # fmt: skip
    if plots is not None:
        pictures = draw_comparison(
            plots, rows, source=weights.description, method=method, bandwidths=bandwidths
        )
        console.print(f"pictures: {', '.join(map(str, pictures))}", highlight=False)
