# pyright: reportAttributeAccessIssue=false
"""The dispatcher: what it passes on, and what it refuses."""

import pytest
from amaranth.sim import Simulator

from compiler.system.command import Command
from hw.system.dispatcher import Dispatcher
from params.commands import COMMAND_BYTES, Fault, Opcode
from sim.fuzz_commands import pack
from sim.fuzz_images import good_images
from sim.fuzz_maker import CONFIGS

WEIGHTS = {"row": 1, "address": 64, "units": 40, "repeat": 2, "residual": 0}
TILE = {
    "passes": 2, "pitch": 8, "rows": 3, "signed": 1, "residual": 0, "residual_signed": 0,
    "low": -128, "high": 127,
}  # fmt: skip
ROWS = {"address": 0, "rows": 3, "passes": 2}


def dispatched(config, commands):
    """The fault, whether the end was seen, and the commands taken of those encoded."""
    component = Dispatcher(config)
    result = {}

    async def bench(context):
        for queue in component.queues:
            context.set(queue.ready, 1)
        for octets in commands:
            context.set(component.i.payload.as_value(), int.from_bytes(octets, "little"))
            context.set(component.i.valid, 1)
            if not context.get(component.i.ready):
                break
            await context.tick()
        context.set(component.i.valid, 0)
        await context.tick()
        result["fault"] = context.get(component.fault)
        result["ended"] = context.get(component.ended)
        result["count"] = context.get(component.count)

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return result["fault"], bool(result["ended"]), result["count"]


@pytest.mark.parametrize("name", CONFIGS)
def test_good_commands_are_passed_on(name):
    for good in good_images(CONFIGS[name]):
        commands = [octets.tobytes() for octets in good.image.encoded_commands]
        assert dispatched(CONFIGS[name], commands) == (Fault.NONE, True, len(commands))


@pytest.mark.parametrize(
    ("opcode", "fields", "with_residuals", "without"),
    [
        (Opcode.WEIGHTS_ROW, {}, Fault.NONE, Fault.NONE),
        (Opcode.WEIGHTS_ROW, {"residual": 1}, Fault.NONE, Fault.OPERAND),
        (Opcode.WEIGHTS_ROW, {"row": 2}, Fault.OPERAND, Fault.OPERAND),
        (Opcode.WEIGHTS_ROW, {"units": (1 << 29) - 1}, Fault.NONE, Fault.NONE),
        (Opcode.WEIGHTS_ROW, {"units": 1 << 29}, Fault.OPERAND, Fault.OPERAND),
        (Opcode.COMPUTE_TILE, {}, Fault.NONE, Fault.NONE),
        (Opcode.COMPUTE_TILE, {"residual": 1}, Fault.NONE, Fault.OPERAND),
        (Opcode.COMPUTE_TILE, {"passes": 0}, Fault.OPERAND, Fault.OPERAND),
        (Opcode.COMPUTE_TILE, {"rows": 4}, Fault.OPERAND, Fault.OPERAND),
        (Opcode.STORE_ROWS, {}, Fault.NONE, Fault.NONE),
        (Opcode.RESIDUAL_ROWS, {}, Fault.NONE, Fault.OPCODE),
        (Opcode.RESIDUAL_SYNC, {}, Fault.NONE, Fault.OPCODE),
    ],
)
def test_what_is_refused(opcode, fields, with_residuals, without):
    plain = {
        Opcode.WEIGHTS_ROW: WEIGHTS, Opcode.COMPUTE_TILE: TILE, Opcode.STORE_ROWS: ROWS,
        Opcode.RESIDUAL_ROWS: ROWS, Opcode.RESIDUAL_SYNC: {},
    }[opcode]  # fmt: skip
    octets = pack(Command(opcode=opcode, fields=plain | fields))
    assert dispatched(CONFIGS["residuals"], [octets])[0] == with_residuals
    assert dispatched(CONFIGS["plain"], [octets])[0] == without


def test_unknown_commands_are_refused():
    unknown = bytes([0xFE]).ljust(COMMAND_BYTES, b"\0")
    sync = pack(Command(opcode=Opcode.LOAD_SYNC))
    assert dispatched(CONFIGS["plain"], [sync, sync, unknown, sync]) == (Fault.OPCODE, False, 2)
