import numpy as np
import pytest

from compiler.system.command import Command, decode, encode
from compiler.system.fault import SystemFaultError
from params.commands import BODIES, COMMAND_BYTES, Fault, Opcode, Unit
from params.packing import PackingError


def largest(opcode: Opcode) -> Command:
    """A command with all its fields full."""
    fields = {
        name: (1 << field.width - (name in ("low", "high"))) - 1 for name, field in BODIES[opcode]
    }
    return Command(opcode=opcode, fields=fields, wait=15, signal=14)


def test_every_command_comes_back():
    commands = [largest(opcode) for opcode in Opcode]
    commands += [Command(opcode=c.opcode, fields=dict.fromkeys(c.fields, 0)) for c in commands]
    encoded = encode(commands)
    assert encoded.shape == (len(commands), COMMAND_BYTES)
    assert decode(encoded) == commands


def test_bytes_are_those_of_the_layout():
    fields = {"row": 3, "address": 0x01020304, "units": 5, "repeat": 6, "residual": 0}
    command = Command(opcode=Opcode.WEIGHTS_ROW, fields=fields, wait=1, signal=2)
    assert command.unit == Unit.WEIGHTS
    assert encode([command]).tobytes().hex() == "3021" + "03" + "04030201" + "05000000" + "0600" + (
        "000000"
    )


def test_values_that_do_not_fit_are_refused():
    fields = {"row": 256, "address": 0, "units": 0, "repeat": 0, "residual": 0}
    with pytest.raises(PackingError, match=r"body\.row is 256"):
        encode([Command(opcode=Opcode.WEIGHTS_ROW, fields=fields)])


def test_unknown_commands_and_stray_bits_are_faults():
    encoded = encode([Command(opcode=Opcode.LOAD_SYNC), Command(opcode=Opcode.END)])
    wrong = encoded.copy()
    wrong[1, 0] = 0x77
    with pytest.raises(SystemFaultError, match="command 1 has the opcode 0x77") as caught:
        decode(wrong)
    assert caught.value.fault == Fault.OPCODE
    wrong = encoded.copy()
    wrong[0, 15] = 1
    with pytest.raises(SystemFaultError, match="command 0 has bits behind") as caught:
        decode(wrong)
    assert caught.value.fault == Fault.OPERAND
    assert decode(np.zeros((0, COMMAND_BYTES), dtype=np.uint8)) == []
