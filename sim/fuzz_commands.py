"""Random commands: fields that the hardware takes, mostly, and some that it must refuse."""

import random
from collections.abc import Sequence

from amaranth.hdl import Shape

from compiler.system.command import Command
from params.commands import BODIES, COMMAND_BYTES, RAW, Opcode, Unit, command
from params.system import SystemConfig

LONGEST = 4096
"""Words that a command may move without an end of the window in its way."""

MOST_REPEATS = 64


def pack(item: Command) -> bytes:
    """The bytes of a command; fields are taken modulo their sizes."""
    layout = command(item.opcode)
    value = item.opcode.value
    value |= (item.wait & 15) << RAW["wait"].offset | (item.signal & 15) << RAW["signal"].offset
    for name, field in BODIES[item.opcode]:
        bits = item.fields[name] & (1 << field.width) - 1
        value |= bits << layout["body"].offset + field.offset
    return value.to_bytes(COMMAND_BYTES, "little")


def unpack(octets: bytes) -> Command | None:
    """The command of `COMMAND_BYTES` bytes; None if there is no such command."""
    value = int.from_bytes(octets, "little")
    try:
        opcode = Opcode(value & 0xFF)
    except ValueError:
        return None
    layout = command(opcode)
    fields = {
        name: value >> layout["body"].offset + field.offset & (1 << field.width) - 1
        for name, field in BODIES[opcode]
    }
    return Command(opcode=opcode, fields=fields, wait=value >> 8 & 15, signal=value >> 12 & 15)


def random_value(name: str, width: int, config: SystemConfig, size: int, draw: random.Random):
    """A value for a field: mostly one that the hardware takes, of a window of `size` bytes."""
    array = config.array
    chance = draw.random()
    if chance < 0.002:
        return draw.getrandbits(width)
    if chance < 0.01:
        return draw.choice((0, 1, (1 << width) - 1, 1 << width - 1))
    ranges = {
        "index": min(config.pieces, array.max_runs), "lane": array.lanes, "count": array.lanes + 1,
        "row": array.rows, "rows": 1 << array.rows, "passes": array.max_passes + 1,
        "groups": array.groups_per_run + 1, "shift": array.max_shift + 1, "base": array.depth,
        "pitch": array.depth + 1, "destination": array.depth, "lines": 4, "repeat": 4,
        "address": size, "offset": size // 4, "line_pitch": 64, "word_pitch": 32, "units": 200,
        "words": 24,
    }  # fmt: skip
    return draw.randrange(min(1 << width, ranges.get(name, 1 << width)))


def random_command(
    config: SystemConfig, size: int, draw: random.Random, among: Sequence[Opcode] = tuple(Opcode)
) -> Command:
    """A command that exists, with fields drawn by chance.

    One for residuals comes rarely where the system has none.
    """
    opcode = draw.choice(among)
    missing = Unit(opcode.value >> 4) == Unit.RESIDUAL and not config.array.residuals
    if missing and draw.random() < 0.9:
        opcode = Opcode.LOAD_SYNC
    fields = {
        name: random_value(name, Shape.cast(field.shape).width, config, size, draw)
        for name, field in BODIES[opcode]
    }
    if opcode == Opcode.COMPUTE_TILE:
        fields |= {name: draw.randrange(128) for name in ("low", "high") if draw.random() < 0.9}
        if not config.array.residuals and draw.random() < 0.9:
            fields["residual"] = 0
    if opcode == Opcode.WEIGHTS_ROW and not config.array.residuals and draw.random() < 0.9:
        fields["residual"] = 0
    wait, signal = (draw.randrange(16) if draw.random() < 0.1 else 0 for _ in range(2))
    return Command(opcode=opcode, fields=fields, wait=wait, signal=signal)


def random_sequence(config: SystemConfig, size: int, draw: random.Random) -> list[Command]:
    """Commands without sense, for some of the units."""
    units = [unit for unit in Unit if draw.random() < 0.7]
    among = [o for o in Opcode if Unit(o.value >> 4) in units and o != Opcode.END] or [*Opcode]
    commands = [random_command(config, size, draw, among) for _ in range(draw.randrange(1, 60))]
    end = Command(opcode=Opcode.END)
    return [*commands, end] if draw.random() < 0.9 else commands


def tamed(octets: bytes, size: int) -> bytes:
    """A command that does not take for ever although it is good.

    A load of a thousand million words is no fault, and neither are weights that are sent again
    and again. Where nothing else would end it soon, its numbers are made smaller.
    """
    item = unpack(octets)
    if item is None:
        return octets
    fields = dict(item.fields)
    if item.opcode in (Opcode.LOAD_LINES, Opcode.LOAD_POOL):
        lines = fields.get("lines", 1)
        leaves = fields["word_pitch"] * min(fields["words"], LONGEST) > 2 * size
        if fields["words"] * lines > LONGEST and not leaves:
            fields["words"] %= LONGEST // max(1, lines)
    if item.opcode == Opcode.WEIGHTS_ROW and fields["units"] * 4 <= size:
        fields["repeat"] %= MOST_REPEATS
    same = fields == item.fields
    whole = Command(opcode=item.opcode, fields=fields, wait=item.wait, signal=item.signal)
    return octets if same else pack(whole)
