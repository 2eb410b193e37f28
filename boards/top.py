# pyright: reportAttributeAccessIssue=false
"""The top level of a board."""

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Module
from amaranth.lib import io

from boards.board import CLOCKS, Board
from boards.self_test import built_in_script
from hw.board.core import BoardCore
from params.sdram import SdramConfig

ROUND_TRIP = 2
"""Cycles that the registers in the pins add to the way to an SDRAM and back."""

ACTIVE_LOW = {"cs": "cs_n", "we": "we_n", "ras": "ras_n", "cas": "cas_n"}
"""SDRAM pins that a board's definition inverts."""


class BoardTop(Elaboratable):
    """A `BoardCore` with clock and pins.

    The LEDs are the core's `lights`.

    Parameters
    ----------
    board : it, and what is put on it.
    clock_mhz : of the system, which `Board.check_clock` has let pass.
    """

    def __init__(self, board: Board, *, clock_mhz: float):
        self._board = board
        tried = board.self_test
        self._clock = CLOCKS[board.flow](board.input_mhz, clock_mhz)
        self.core = BoardCore(
            board.system,
            self_test=None if tried is None else (tried, built_in_script(tried)),
            memory=board.memory(clock_mhz) if callable(board.memory) else board.memory,
            single_port=board.single_port,
            clock_hz=round(1e6 * clock_mhz),
            baud=board.baud,
            round_trip=ROUND_TRIP,
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self.core
        m.submodules.clock = clock = self._clock
        m.submodules.clock_pin = pin = io.Buffer(
            "i", platform.request(platform.default_clk, dir="-")
        )
        m.domains.sync = ClockDomain(reset_less=True)
        m.d.comb += [clock.i.eq(pin.i), ClockSignal("sync").eq(clock.o)]

        uart = platform.request("uart", 0, dir="-")
        m.submodules.rx = rx = io.Buffer("i", uart.rx)
        m.submodules.tx = tx = io.Buffer("o", uart.tx)
        m.d.comb += [core.rx.eq(rx.i), tx.o.eq(core.tx)]
        for (name, number, part), value in zip(self._board.leds, core.lights, strict=True):
            port = platform.request(name, number, dir="-")
            led = io.Buffer("o", port if part is None else getattr(port, part))
            m.submodules[f"{name}_{number}"] = led
            m.d.comb += led.o.eq(value)
        if isinstance(core.memory, SdramConfig):
            self._sdram(m, platform.request("sdram", 0, dir="-"))
        return m

    def _sdram(self, m, port):
        """Registers in all pins; the chip's clock rises half a cycle after they change."""
        pins = self.core.sdram
        m.submodules.sdram_clk = clk = io.DDRBuffer("o", port.clk)
        m.d.comb += [clk.o[0].eq(0), clk.o[1].eq(1)]
        outputs = {"clk_en": pins.cke, "ba": pins.ba, "a": pins.a, "dqm": pins.dqm} | {
            name: ~getattr(pins, inverted) for name, inverted in ACTIVE_LOW.items()
        }
        for name, value in outputs.items():
            m.submodules[f"sdram_{name}"] = buffer = io.FFBuffer("o", getattr(port, name))
            m.d.comb += buffer.o.eq(value)
        m.submodules.sdram_dq = dq = io.FFBuffer("io", port.dq)
        m.d.comb += [dq.o.eq(pins.dq_o), dq.oe.eq(pins.dq_oe), pins.dq_i.eq(dq.i)]
