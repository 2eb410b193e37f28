"""Mutations of a good memory: what a broken compiler or a stray write makes of it."""

import random
from collections.abc import Callable

from compiler.system.command import Command
from params.commands import BODIES, COMMAND_BYTES, Opcode, Packet
from params.system import UNIT_BYTES, SystemConfig
from sim.fuzz_commands import pack, random_command, random_value, unpack


class Mutant:
    """A memory that is being changed.

    Parameters
    ----------
    memory : good; only what lies in front of the commands is taken.
    commands : encoded, those of the memory.
    """

    def __init__(
        self, config: SystemConfig, memory: bytes, commands: list[bytes], draw: random.Random
    ) -> None:
        self.config = config
        self.data = bytearray(memory)
        self.commands = commands
        self.draw = draw

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self.data) + COMMAND_BYTES * len(self.commands)

    def place(self) -> int:
        """A command; one of each opcode that there is, as often as of another."""
        opcodes = sorted({octets[0] for octets in self.commands})
        opcode = self.draw.choice(opcodes)
        return self.draw.choice([n for n, own in enumerate(self.commands) if own[0] == opcode])

    def weights(self) -> tuple[int, int] | None:
        """Address and units of what a row is sent; None if there is none in memory."""
        found = [
            unpack(octets) for octets in self.commands if octets[0] == Opcode.WEIGHTS_ROW.value
        ]
        places = [
            (item.fields["address"], item.fields["units"])
            for item in found
            if item is not None
            and item.fields["units"]
            and item.fields["address"] + UNIT_BYTES * item.fields["units"] <= len(self.data)
        ]
        return self.draw.choice(places) if places else None


def flip_command_bit(mutant: Mutant) -> None:
    """Turns over a bit of a command."""
    place = mutant.place()
    octets = bytearray(mutant.commands[place])
    octets[mutant.draw.randrange(COMMAND_BYTES)] ^= 1 << mutant.draw.randrange(8)
    mutant.commands[place] = bytes(octets)


def change_field(mutant: Mutant) -> None:
    """Gives a field another value: near the old one, an extreme one, or any."""
    draw = mutant.draw
    place = mutant.place()
    item = unpack(mutant.commands[place])
    if item is None or not item.fields:
        return
    name = draw.choice(list(item.fields))
    width = BODIES[item.opcode][name].width
    old = item.fields[name]
    new = draw.choice(
        (
            old + draw.choice((-1, 1)),
            old + draw.choice((-16, -4, 4, 16)),
            old << 1,
            old >> 1,
            0,
            (1 << width) - 1,
            1 << draw.randrange(width),
            random_value(name, width, mutant.config, mutant.size, draw),
            random_value(name, width, mutant.config, mutant.size, draw),
        )
    )
    mutant.commands[place] = pack(
        Command(
            opcode=item.opcode,
            fields={**item.fields, name: new},
            wait=item.wait,
            signal=item.signal,
        )
    )


def change_semaphore(mutant: Mutant) -> None:
    """Lets a command wait for, or signal, another semaphore or none."""
    place = mutant.place()
    octets = bytearray(mutant.commands[place])
    octets[1] = mutant.draw.choice((0, mutant.draw.getrandbits(8), octets[1] & 15, octets[1] & 240))
    mutant.commands[place] = bytes(octets)


def drop(mutant: Mutant) -> None:
    """Takes commands away."""
    if len(mutant.commands) > 1:
        place = mutant.place()
        del mutant.commands[place : place + mutant.draw.choice((1, 1, 1, 3))]


def duplicate(mutant: Mutant) -> None:
    """Gives commands twice."""
    place = mutant.place()
    mutant.commands[place:place] = mutant.commands[place : place + mutant.draw.choice((1, 1, 5))]


def swap(mutant: Mutant) -> None:
    """Lets two commands change places."""
    one, other = mutant.place(), mutant.place()
    commands = mutant.commands
    commands[one], commands[other] = commands[other], commands[one]


def insert(mutant: Mutant) -> None:
    """Puts a random command between others."""
    item = random_command(mutant.config, mutant.size, mutant.draw)
    if item.opcode != Opcode.END:
        mutant.commands.insert(mutant.place(), pack(item))


def flood(mutant: Mutant) -> None:
    """Signals a semaphore until it overflows, or nearly."""
    opcode = mutant.draw.choice([Opcode.LOAD_SYNC, Opcode.COMPUTE_SYNC, Opcode.STORE_SYNC])
    item = Command(opcode=opcode, signal=mutant.draw.randrange(1, 16))
    place = mutant.place()
    mutant.commands[place:place] = [pack(item)] * mutant.draw.randrange(200, 300)


def end_early(mutant: Mutant) -> None:
    """Ends the run in the middle."""
    mutant.commands.insert(mutant.place(), pack(Command(opcode=Opcode.END)))


def truncate(mutant: Mutant) -> None:
    """Cuts the commands off before their END."""
    del mutant.commands[max(1, mutant.place()) :]


def unmark_pieces(mutant: Mutant) -> None:
    """Takes the marks at the ends of words or tables away from a unit's pieces, or sets them."""
    draw = mutant.draw
    opcode = draw.choice([Opcode.LOAD_PIECE, Opcode.STORE_PIECE, Opcode.RESIDUAL_PIECE])
    name = draw.choice(("last", "final"))
    names = draw.choice(((name,), ("last", "final")))
    value = draw.choice((0, 0, 1))
    share = draw.choice((0.3, 1.0))
    for place, octets in enumerate(mutant.commands):
        item = unpack(octets)
        if item is not None and item.opcode == opcode and draw.random() < share:
            fields = {**item.fields, **dict.fromkeys(names, value)}
            mutant.commands[place] = pack(
                Command(opcode=opcode, fields=fields, wait=item.wait, signal=item.signal)
            )


def empty_pieces(mutant: Mutant) -> None:
    """Takes all pixels away from the pieces of a unit."""
    opcode = mutant.draw.choice([Opcode.LOAD_PIECE, Opcode.STORE_PIECE, Opcode.RESIDUAL_PIECE])
    for place, octets in enumerate(mutant.commands):
        item = unpack(octets)
        if item is not None and item.opcode == opcode:
            fields = {**item.fields, "count": 0}
            mutant.commands[place] = pack(
                Command(opcode=opcode, fields=fields, wait=item.wait, signal=item.signal)
            )


def flip_weight_bit(mutant: Mutant) -> None:
    """Turns over bits of what a row is sent."""
    found = mutant.weights()
    if found is not None:
        address, units = found
        for _ in range(mutant.draw.choice((1, 1, 8))):
            place = address + mutant.draw.randrange(UNIT_BYTES * units)
            mutant.data[place] ^= 1 << mutant.draw.randrange(8)


def change_packet(mutant: Mutant) -> None:
    """Gives a unit, often the first of a packet, another kind or number of words."""
    found = mutant.weights()
    if found is None:
        return
    draw = mutant.draw
    address, units = found
    kinds = range(Packet.CODES.value + mutant.config.array.elements_per_lane)
    likely = [
        place
        for place in range(address, address + UNIT_BYTES * units, UNIT_BYTES)
        if mutant.data[place] in kinds and not any(mutant.data[place + 2 : place + 4])
    ]
    place = draw.choice(likely or [address])
    if draw.random() < 0.5:
        mutant.data[place] = draw.choice((*kinds, 0xFF))
    else:
        words = draw.choice((0, 1, 2, draw.randrange(256), (1 << 24) - 1))
        mutant.data[place + 1 : place + 4] = words.to_bytes(3, "little")


def change_header(mutant: Mutant) -> None:
    """Writes over what stands at the front of a row's weights: the first group's header."""
    found = mutant.weights()
    if found is not None:
        address, _ = found
        place = address + UNIT_BYTES + mutant.draw.randrange(8)
        mutant.data[place] = mutant.draw.choice((0, 0xFF, mutant.draw.getrandbits(8)))


def scramble(mutant: Mutant) -> None:
    """Writes over some memory in front of the commands."""
    length = mutant.draw.randrange(1, 64)
    place = mutant.draw.randrange(max(1, len(mutant.data) - length))
    mutant.data[place : place + length] = mutant.draw.randbytes(length)


MUTATIONS: tuple[Callable[[Mutant], None], ...] = (
    *(4 * (change_field,)), *(2 * (change_semaphore,)), *(2 * (change_packet,)),
    *(2 * (insert,)), flip_command_bit, drop, duplicate, swap, flood, end_early, truncate,
    unmark_pieces, unmark_pieces, empty_pieces, flip_weight_bit, change_header, scramble,
)  # fmt: skip
"""Each as often as it is drawn."""
