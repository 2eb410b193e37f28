"""Commands as values, and as the bytes in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compiler.system.fault import SystemFaultError
from params import packing
from params.commands import BODIES, COMMAND_BYTES, Fault, Opcode, Unit, command

COMMON_BYTES = 2
"""Bytes of what all commands have in front of their bodies."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command; see `params.commands`.

    Parameters
    ----------
    opcode : what it does.
    fields : of its body, by name.
    wait, signal : semaphores, 0 for none.
    """

    opcode: Opcode
    fields: Mapping[str, int] = field(default_factory=dict)
    wait: int = 0
    signal: int = 0

    @property
    def unit(self) -> Unit:
        """What takes it."""
        return Unit(self.opcode.value >> 4)


def encode(commands: Sequence[Command]) -> np.ndarray:
    """The commands' bytes, uint8 (count, COMMAND_BYTES).

    Raises
    ------
    PackingError : a value does not fit its field.
    """
    encoded = np.zeros((len(commands), COMMAND_BYTES), dtype=np.uint8)
    places: dict[Opcode, list[int]] = {}
    for place, item in enumerate(commands):
        places.setdefault(item.opcode, []).append(place)
    for opcode, own in places.items():
        items = [commands[place] for place in own]
        fields = {
            "opcode": opcode.value,
            "wait": np.array([item.wait for item in items]),
            "signal": np.array([item.signal for item in items]),
            "body": {
                name: np.array([item.fields[name] for item in items], dtype=np.int64)
                for name in BODIES[opcode].members
            },
            "unused": 0,
        }
        encoded[own] = packing.pack(command(opcode), fields, len(own))
    return encoded


def decode(encoded: np.ndarray) -> list[Command]:
    """The commands of uint8 (count, COMMAND_BYTES): the inverse of `encode`.

    Raises
    ------
    SystemFaultError : OPCODE for a command that does not exist, OPERAND for bits that must be zero.
    """
    known = {opcode.value: opcode for opcode in Opcode}
    decoded: list[Any] = [None] * len(encoded)
    for value in np.unique(encoded[:, 0]):
        own = np.flatnonzero(encoded[:, 0] == value)
        if int(value) not in known:
            raise SystemFaultError(
                Fault.OPCODE, f"command {own[0]} has the opcode {int(value):#04x}"
            )
        opcode = known[int(value)]
        layout = BODIES[opcode]
        bits = np.unpackbits(encoded[own, COMMON_BYTES:], axis=1, bitorder="little")
        if bits[:, layout.size :].any():
            place = own[bits[:, layout.size :].any(axis=1)][0]
            raise SystemFaultError(Fault.OPERAND, f"command {place} has bits behind its body")
        words = np.packbits(bits[:, : layout.size], axis=1, bitorder="little")
        fields = packing.unpack(layout, words) if layout.size else {}
        semaphores = encoded[own, 1]
        for n, place in enumerate(own):
            decoded[place] = Command(
                opcode=opcode,
                fields={name: int(values[n]) for name, values in fields.items()},
                wait=int(semaphores[n]) & 15,
                signal=int(semaphores[n]) >> 4,
            )
    return decoded
