"""The commands of an image as lines to read."""

from collections.abc import Iterator

from compiler.system.command import Command, decode
from compiler.system.image import SystemImage

HEXADECIMAL = ("address", "offset")
"""Fields that are written in hex."""

BINARY = ("rows",)
"""Fields that are written in binary."""


def disassemble(image: SystemImage) -> Iterator[str]:
    """A line for each command: number, opcode, fields, semaphores, and the node it belongs to.

    Such as `12 LOAD_LINES address=0x40 words=3 ... wait=3 signal=1 ; conv1`.

    Raises
    ------
    SystemFaultError : the image holds something that is no command.
    """
    names = {
        number: layer.name
        for layer in image.layers
        for number in range(layer.first, layer.first + layer.count)
    }
    commands = decode(image.encoded_commands)
    width = len(str(len(commands)))
    for number, command in enumerate(commands):
        text = f"{number:{width}} {line(command)}"
        yield f"{text} ; {names[number]}" if number in names else text


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
