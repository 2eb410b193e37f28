import dataclasses

import numpy as np
import pytest

from compiler.system.command import Command, decode
from compiler.system.fault import SystemFaultError
from compiler.system.interpreter import run_concurrently, run_in_order
from compiler.system.lower import lower_network
from params import preset
from params.commands import COMMAND_BYTES, Fault, Opcode
from params.system import SystemConfig
from tests.compiler.system.test_networks import with_commands
from tests.golden.networks import small_network


@pytest.fixture(scope="module")
def image():
    return lower_network(small_network(3), SystemConfig(array=preset("tiny")))


def changed(image, opcode: Opcode, **fields):
    """The image with other fields in the first command of a kind."""
    commands = decode(image.encoded_commands)
    number = next(n for n, command in enumerate(commands) if command.opcode == opcode)
    own = commands[number]
    commands[number] = dataclasses.replace(own, fields={**own.fields, **fields})
    return with_commands(image, commands)


@pytest.mark.parametrize(
    ("opcode", "fields", "fault"),
    [
        (Opcode.LOAD_PIECE, {"index": 256}, Fault.OPERAND),
        (Opcode.LOAD_PIECE, {"lane": 8, "count": 1}, Fault.OPERAND),
        (Opcode.LOAD_LINES, {"address": (1 << 32) - 1, "word_pitch": 1}, None),
        (Opcode.LOAD_LINES, {"destination": 255}, Fault.OPERAND),
        (Opcode.COMPUTE_RUN, {"index": 16}, Fault.OPERAND),
        (Opcode.COMPUTE_RUN, {"base": 256}, Fault.OPERAND),
        (Opcode.COMPUTE_RUN, {"shift": 7}, Fault.OPERAND),
        (Opcode.COMPUTE_TILE, {"passes": 0}, Fault.OPERAND),
        (Opcode.COMPUTE_TILE, {"rows": 4}, Fault.OPERAND),
        (Opcode.WEIGHTS_ROW, {"row": 2}, Fault.OPERAND),
        (Opcode.WEIGHTS_ROW, {"address": (1 << 32) - 16}, Fault.WINDOW),
        (Opcode.WEIGHTS_ROW, {"units": 3}, Fault.WEIGHTS),
        (Opcode.WEIGHTS_ROW, {"address": 4}, Fault.WEIGHTS),
        (Opcode.STORE_ROWS, {"address": (1 << 32) - 1}, Fault.WINDOW),
        (Opcode.STORE_ROWS, {"passes": 1}, Fault.OPERAND),
        (Opcode.STORE_POOL, {"words": 7}, Fault.STALLED),
        (Opcode.RESIDUAL_ROWS, {"rows": 4}, Fault.OPERAND),
    ],
)
def test_wrong_operands(image, opcode, fields, fault):
    broken = changed(image, opcode, **fields)
    if fault is None:
        # No lane of the first lines has a pixel, so that nothing is read.
        run_in_order(broken, broken.memory())
        return
    for run in (run_in_order, lambda *of: run_concurrently(*of, seed=1, queue=8)):
        with pytest.raises(SystemFaultError) as caught:
            run(broken, broken.memory())
        assert caught.value.fault == fault
        if fault != Fault.STALLED:
            assert opcode.name in str(caught.value)


def test_a_semaphore_counts_only_so_far(image):
    syncs = [Command(opcode=Opcode.STORE_SYNC, signal=9)] * 256
    commands = [*syncs, Command(opcode=Opcode.END)]
    contents = np.zeros(COMMAND_BYTES * len(commands), dtype=np.uint8)
    endless = dataclasses.replace(
        image, contents=contents, commands=image.address, command_count=len(commands),
        size=image.address + len(contents), layers=(),
    )  # fmt: skip
    endless = with_commands(endless, commands)
    with pytest.raises(SystemFaultError, match="semaphore 9 is counted above 255") as caught:
        run_in_order(endless, endless.memory())
    assert caught.value.fault == Fault.SEMAPHORE


def test_commands_must_end_with_end_inside_of_memory(image):
    cut = dataclasses.replace(image, command_count=image.command_count - 1)
    with pytest.raises(SystemFaultError, match="OPCODE: the commands do not end with END"):
        run_in_order(cut, cut.memory())
    short = image.memory()[: image.commands]
    with pytest.raises(SystemFaultError, match="WINDOW: the commands end behind the memory"):
        run_in_order(image, short)


def test_what_is_left_over_is_a_fault(image):
    broken = changed(image, Opcode.WEIGHTS_ROW, repeat=9)
    with pytest.raises(SystemFaultError):
        run_in_order(broken, broken.memory())
