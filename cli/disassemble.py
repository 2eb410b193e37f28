"""`zeroshift disassemble`: the commands of an image, readably."""

from pathlib import Path
from typing import Annotated

import typer

from cli.console import UsageError
from cli.ranges import layer_range, number_range
from compiler.system.disassembler import disassemble
from compiler.system.fault import SystemFaultError
from compiler.system.image import SystemImage, read_image

EPILOG = """Examples:

zeroshift disassemble build/tiny.npz | less

zeroshift disassemble build/tiny.npz --layers conv1:pool1

zeroshift disassemble build/tiny.npz --commands 100:119
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("disassemble", epilog=EPILOG)(disassemble_command)


def disassemble_command(
    path: Annotated[Path, typer.Argument(help="Image, as `zeroshift compile` writes it.")],
    layers: Annotated[
        str | None, typer.Option(help="Only FIRST:LAST, names of layers; or one.")
    ] = None,
    commands: Annotated[
        str | None, typer.Option(help="Only FIRST:LAST, numbers of commands; or one.")
    ] = None,
) -> None:
    """List the commands of an image, a line each, under the names of their layers."""
    if layers is not None and commands is not None:
        raise UsageError("give either --layers or --commands")
    image = read_image(path)
    numbers = None
    if layers is not None:
        numbers = _commands_of(image, layers)
    elif commands is not None:
        numbers = number_range(commands, image.command_count, "--commands")
    config = image.config
    try:
        typer.echo(f"# {image.net} for {config.array.name}, {config.bus_bytes}-byte bus")
        typer.echo(f"# weights: {image.origin}")
        for text in disassemble(image, numbers):
            typer.echo(text)
    except SystemFaultError as fault:
        raise UsageError(f"{path} is damaged: {fault}") from fault


def _commands_of(image: SystemImage, layers: str) -> range:
    """The numbers of the commands of layers."""
    chosen = layer_range(layers, [layer.name for layer in image.layers], "--layers")
    first, last = image.layers[chosen[0]], image.layers[chosen[-1]]
    return range(first.first, last.first + last.count)
