"""`zeroshift compile`: a whole network as the memory of a system."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cli.console import JsonOption, UsageError, console, errors, progress_bar, write_json
from cli.layers import parse_size
from cli.system_networks import load_network, system_config
from compiler.system.image import SystemImage, write_image
from compiler.system.lower import lower_network
from compiler.system.memory_map import largest_need, map_bytes
from compiler.system.part import part_of
from compiler.system.sizes import node_sizes
from golden.network import IntegerNetwork
from params import PRESETS, sdram
from params.commands import COMMAND_BYTES

BOARD_MEMORY = {"ulx3s": sdram.ulx3s(clock_mhz=100).size}
"""Bytes of memory by board; the presets meant for a board begin with its name."""

EPILOG = """Examples:

zeroshift compile --net rfcn-tiny --image 96x128 -o build/tiny.npz

zeroshift compile --net rfcn-resnet50 --image 600x800 --preset ulx3s -o build/resnet50.npz

zeroshift compile --network build/tiny-4/integer.npz --keep-all --json sizes.json -o build/own.npz
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("compile", epilog=EPILOG)(compile_command)


def compile_command(
    output: Annotated[Path, typer.Option("--output", "-o", help="The image: a .npz file.")],
    net: Annotated[
        str, typer.Option(help="Network: rfcn-tiny as trained, others with synthetic weights.")
    ] = "rfcn-resnet50",
    network: Annotated[Path | None, typer.Option(help="An exported network instead.")] = None,
    image: Annotated[
        str | None,
        typer.Option(help="Size of image, HxW; the network's usual one if not given."),
    ] = None,
    bits: Annotated[
        int, typer.Option(help="Bits per weight, 2 to 6; rfcn-tiny comes with 4 and 6.")
    ] = 4,
    preset_name: Annotated[
        str, typer.Option("--preset", help=f"Array: {', '.join(PRESETS)}.")
    ] = "ulx3s",
    bus: Annotated[int, typer.Option(help="Bytes of the memory bus.")] = 16,
    reuse: Annotated[
        bool,
        typer.Option("--reuse/--keep-all", help="Maps share memory, or all are kept to the end."),
    ] = True,
    capacity: Annotated[
        int | None,
        typer.Option(help="Bytes of memory; those of the preset's board if not given."),
    ] = None,
    json_path: JsonOption = None,
) -> None:
    """Lower a whole network to one image of a system's memory: commands, weights, places of maps.

    An image that is larger than the memory is not written.
    """
    if output.suffix != ".npz":
        raise UsageError(f"--output is {output}, but must end in .npz")
    if capacity is not None and capacity < 1:
        raise UsageError(f"--capacity is {capacity}, but must be at least 1 byte")
    size = None if image is None else parse_size(image, "--image")
    lowered = load_network(net, network, size=size, bits=bits)
    config = system_config(lowered, preset_name, bus)
    keep = () if reuse else tuple(lowered.maps)
    with progress_bar() as bar:
        task = bar.add_task("compiling", total=len(lowered.nodes))
        result = lower_network(lowered, config, keep, telling=lambda node: bar.advance(task))
    if capacity is None:
        capacity = BOARD_MEMORY.get(preset_name.partition("-")[0])
    report = {
        "preset": preset_name,
        "reuse": reuse,
        "capacity": capacity,
        **_report(lowered, result, keep),
    }
    write_json(json_path, report)
    console.print(_layers(report))
    console.print(_total(report))
    if capacity is not None and result.size > capacity:
        raise UsageError(
            f"the image takes {result.size:,} bytes, but the memory has {capacity:,}: choose a "
            f"smaller --image{'' if reuse else ', --reuse'} or another --capacity"
        )
    with errors.status("writing the image"):
        write_image(result, output)
    console.print(f"image: {output}", highlight=False, markup=False)


def _report(network: IntegerNetwork, image: SystemImage, keep: tuple[str, ...]) -> dict:
    """The figures of an image."""
    config, inputs = image.config, image.inputs
    sizes = node_sizes(image)
    places = {name: found.place for name, found in image.maps.items()}
    busiest, need = largest_need(part_of(network), config.bus_bytes, keep)
    return {
        "net": image.net,
        "image": list(network.input.shape[1:]),
        "weights": image.origin,
        "bus_bytes": config.bus_bytes,
        "levels": config.array.levels,
        "tiles": sum(node.tiles for node in sizes),
        "commands": image.command_count,
        "command_bytes": image.command_count * COMMAND_BYTES,
        "weight_bytes": sum(node.weight_bytes for node in sizes),
        "map_bytes": map_bytes(places),
        "map_bytes_apart": sum(place.bytes for place in places.values()),
        "largest_need_bytes": need,
        "largest_need_layer": busiest,
        "memory_bytes": image.size,
        "inputs": [{"name": name, **_map(image, name)} for name in inputs],
        "layers": [
            {
                "name": node.name,
                "tiles": node.tiles,
                "commands": node.commands,
                "weight_bytes": node.weight_bytes,
                **_map(image, node.name),
            }
            for node in sizes
        ],
    }


def _map(image: SystemImage, name: str) -> dict:
    found = image.maps[name]
    return {
        "map_bytes": found.place.bytes,
        "map_address": found.place.address,
        "map_kept": found.kept,
    }


def _layers(report: dict) -> Table:
    height, width = report["image"]
    table = Table(
        title=f"{escape(report['net'])} at {height}x{width} for {report['preset']}, "
        f"{report['bus_bytes']}-byte bus",
        caption=f"weights: {escape(report['weights'])}",
    )
    table.add_column("layer")
    for name in ("tiles", "commands", "weight bytes", "map bytes", "from", "to"):
        table.add_column(name, justify="right")
    for row in (*report["inputs"], *report["layers"]):
        counts = [f"{row[name]:,}" if name in row else ""
                  for name in ("tiles", "commands", "weight_bytes", "map_bytes")]  # fmt: skip
        last = row["map_address"] + row["map_bytes"] - 1
        table.add_row(escape(row["name"]), *counts, f"{row['map_address']:#x}", f"{last:#x}")
    return table


def _total(report: dict) -> Table:
    """The figures of the whole network."""
    apart, capacity = report["map_bytes_apart"], report["capacity"]
    memory = f"{report['memory_bytes']:,}"
    if capacity is not None:
        memory += f", {report['memory_bytes'] / capacity:.1%} of {capacity:,}"
    table = Table(title="Bytes of memory", show_header=False)
    for name, value in (
        ("commands", f"{report['command_bytes']:,}: {report['commands']:,} commands"),
        ("weights", f"{report['weight_bytes']:,}"),
        ("maps", f"{report['map_bytes']:,}"),
        ("maps in use at the peak",
         f"{report['largest_need_bytes']:,}, in {escape(report['largest_need_layer'])}"),
        ("maps without reuse", f"{apart:,}, {apart / report['map_bytes']:.2f} times as many"),
        ("in all", memory),
    ):  # fmt: skip
        table.add_row(name, value)
    return table
