"""A host talks to a board's core over its UART, byte by byte."""

import json
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer, with_timeout

from compiler.system.command import Command, encode
from host.frames import pack_request, unpack_answer
from params.commands import Opcode
from params.link import COUNT, FLAG, WORD, Identity, Kind, Status
from params.registers import IDENTIFIER, OFFSETS

PERIOD_NS = 2
PATIENCE_NS = 200_000
FIRST_OF_COMMANDS = 512


@cocotb.test()
async def a_run_from_afar(dut):
    settings = json.loads(Path("settings.json").read_text())
    draw = random.Random(cocotb.RANDOM_SEED)
    host = Host(dut, bit_ns=settings["cycles_per_bit"] * PERIOD_NS)
    dut.rx.value = 1
    # Icarus does not evaluate logic before something that it reads changes.
    dut.link.executor.step.value = 1
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    for _ in range(4):
        await FallingEdge(dut.clk)
    dut.rst.value = 0

    status, payload = await host.ask(Kind.IDENTIFY)
    assert status == Status.OK
    identity = Identity.unpack(payload)
    assert (identity.memory, identity.bus) == (settings["memory_bytes"], settings["bus_bytes"])

    data = draw.randbytes(21)
    assert await host.ask(Kind.WRITE_MEMORY, 99, data) == (Status.OK, b"")
    assert await host.ask(Kind.READ_MEMORY, 99, COUNT.pack(len(data))) == (Status.OK, data)

    status, payload = await host.ask(Kind.READ_REGISTER, OFFSETS["ID"])
    if not settings["system"]:
        assert status == Status.BUS_ERROR
        assert (await host.ask(Kind.WRITE_REGISTER, 8, WORD.pack(1)))[0] == Status.BUS_ERROR
        assert await host.ask(Kind.READ_MEMORY, 99, COUNT.pack(len(data))) == (Status.OK, data)
        return
    assert (status, WORD.unpack(payload)[0] >> 16) == (Status.OK, IDENTIFIER)
    commands = encode([Command(opcode=Opcode.END)]).tobytes()
    assert await host.ask(Kind.WRITE_MEMORY, FIRST_OF_COMMANDS, commands) == (Status.OK, b"")
    for name, value in (
        ("WINDOW_BASE", 0), ("WINDOW_SIZE", settings["memory_bytes"]),
        ("COMMANDS", FIRST_OF_COMMANDS), ("CONTROL", 0b11),
    ):  # fmt: skip
        assert await host.ask(Kind.WRITE_REGISTER, OFFSETS[name], WORD.pack(value)) == (0, b"")
    assert await host.ask(Kind.READ_REGISTER, OFFSETS["FAULT"]) == (Status.OK, WORD.pack(0))
    status, payload = await host.ask(Kind.READ_REGISTER, OFFSETS["CYCLES"])
    assert WORD.unpack(payload)[0] > 0
    assert dut.interrupt.value == 1
    assert dut.running.value == 0


class Host:
    """Sends requests and takes their answers."""

    def __init__(self, dut, *, bit_ns: int):
        self._dut = dut
        self._bit_ns = bit_ns
        self._sequence = 0

    async def ask(self, kind, address=0, payload=b""):
        """Status and payload of the answer."""
        self._sequence += 1
        answer = cocotb.start_soon(self._frame())
        for byte in pack_request(kind, self._sequence, address, payload):
            for level in (0, *(byte >> n & 1 for n in range(8)), 1):
                self._dut.rx.value = level
                await Timer(self._bit_ns, "ns")
        found = unpack_answer(await with_timeout(answer, PATIENCE_NS, "ns"))
        assert found is not None
        assert (found.kind, found.sequence) == (kind, self._sequence)
        return found.status, found.payload

    async def _frame(self):
        """What comes between two flags."""
        body = bytearray()
        while not body or (byte := await self._byte()) != FLAG:
            if not body:
                assert await self._byte() == FLAG
                byte = await self._byte()
            body.append(byte)
        return bytes(body)

    async def _byte(self):
        await FallingEdge(self._dut.tx)
        await Timer(self._bit_ns // 2, "ns")
        value = 0
        for n in range(9):
            await Timer(self._bit_ns, "ns")
            value |= int(self._dut.tx.value) << n
        assert value >> 8
        return value & 0xFF
