"""The commands of an image as lines to read."""

from collections.abc import Iterator

from compiler.system.command import Command, decode
from compiler.system.image import LayerCommands, SystemImage

HEXADECIMAL = ("address", "offset")
"""Fields that are written in hex."""

BINARY = ("rows",)
"""Fields that are written in binary."""

END = "end"
"""Heading of the commands that belong to no node."""


def disassemble(image: SystemImage, numbers: range | None = None) -> Iterator[str]:
    """A line for each command: number, opcode, fields, semaphores; a heading before each node's.

    Such as `# conv1: commands 0 to 57` and `12 LOAD_LINES address=0x40 ... wait=3 signal=1`.

    Parameters
    ----------
    numbers : of the commands, a range of step 1; all when None.

    Raises
    ------
    SystemFaultError : the image holds something that is no command.
    """
    commands = decode(image.encoded_commands)
    wanted = range(len(commands)) if numbers is None else numbers
    width = len(str(len(commands)))
    for group in _groups(image):
        last = group.first + group.count - 1
        shown = range(max(group.first, wanted.start), min(last + 1, wanted.stop))
        if shown:
            yield f"# {group.name}: commands {group.first} to {last}"
        for number in shown:
            yield f"{number:{width}} {line(commands[number])}"


def _groups(image: SystemImage) -> Iterator[LayerCommands]:
    """The nodes' commands, and those left over."""
    yield from image.layers
    first = sum(layer.count for layer in image.layers)
    yield LayerCommands(name=END, first=first, count=image.command_count - first)


def line(command: Command) -> str:
    """A command without its number."""
    parts = [command.opcode.name]
    parts += [f"{name}={_number(name, value)}" for name, value in command.fields.items()]
    parts += [
        f"{name}={semaphore}"
        for name, semaphore in (("wait", command.wait), ("signal", command.signal))
        if semaphore
    ]
    return " ".join(parts)


def _number(name: str, value: int) -> str:
    if name in HEXADECIMAL:
        return f"{value:#x}"
    return f"{value:#b}" if name in BINARY else str(value)
