"""Starts the chip and refreshes it."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.enum import Enum
from amaranth.lib.wiring import In, Out

from hw.sdram.ports import ADDRESS_PINS, ALL_BANKS, Command
from params.sdram import INITIAL_REFRESHES, MOST_POSTPONED, SdramConfig


class State(Enum, shape=3):
    """What `Maintenance` does next."""

    POWER_UP = 0
    REFRESH = 1
    MODE = 2
    RUN = 3
    CLOSE = 4


class Maintenance(wiring.Component):
    """Waits for the chip's power, sets it up, and refreshes it in time.

    A refresh is owed every `refresh_interval` cycles. All that are owed are done when there is no
    work, and when `postponed` are: then work stops for as long as it takes. From the time that
    stops work to the first refresh pass no more than tRC + tRP and a few cycles, whatever waits.

    Members
    -------
    work : In, something waits for the chip. quiet : In, all banks may be precharged and, tRP
        later, refreshed.
    running : Out, registered: others may give commands. There are none from here.
    command : Out, from here; NOTHING while `running`. address : Out, that goes with it.
    close : Out, all banks are precharged.
    """

    def __init__(self, config: SdramConfig):
        self._config = config
        super().__init__(
            {
                "work": In(1),
                "quiet": In(1),
                "running": Out(1),
                "command": Out(Command),
                "address": Out(ADDRESS_PINS),
                "close": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        state = Signal(State, init=State.POWER_UP)
        # Cycles that have to pass, and whether they have.
        left = Signal(range(config.cycles_power_up + 1), init=config.cycles_power_up)
        passed = Signal(init=config.cycles_power_up == 0)
        set_up = Signal()
        owed = Signal(range(MOST_POSTPONED + 2))
        todo = Signal(range(max(INITIAL_REFRESHES, MOST_POSTPONED + 1) + 1))
        interval = Signal(range(config.refresh_interval), init=config.refresh_interval - 1)
        tick = Signal()
        acts = Signal()
        due = Signal()
        m.d.comb += [
            acts.eq(passed & ((state != State.CLOSE) | self.quiet)),
            self.close.eq(acts & ((state == State.POWER_UP) | (state == State.CLOSE))),
            self.command.eq(
                Mux(~acts | (state == State.RUN), Command.NOTHING,
                    Mux(state == State.MODE, Command.MODE,
                        Mux(state == State.REFRESH, Command.REFRESH, Command.PRECHARGE)))
            ),
            self.address.eq(Mux(state == State.MODE, config.mode, ALL_BANKS)),
            tick.eq(set_up & (interval == 0)),
            due.eq((owed >= config.postponed) | ((owed != 0) & ~self.work)),
        ]  # fmt: skip
        with m.If(set_up):
            m.d.sync += interval.eq(interval - 1)
            with m.If(tick):
                m.d.sync += interval.eq(config.refresh_interval - 1)
        m.d.sync += owed.eq(Mux(acts & (state == State.CLOSE), 0, owed) + tick)

        m.d.sync += self.running.eq((state == State.RUN) & passed & ~due)

        def wait(cycles):
            return [left.eq(cycles), passed.eq(cycles == 0)]

        with m.If(~passed):
            m.d.sync += [left.eq(left - 1), passed.eq(left == 1)]
        with m.Else():
            with m.Switch(state):
                with m.Case(State.POWER_UP):
                    m.d.sync += [
                        *wait(config.cycles_rp - 1),
                        todo.eq(INITIAL_REFRESHES),
                        state.eq(State.REFRESH),
                    ]
                with m.Case(State.REFRESH):
                    m.d.sync += [*wait(config.cycles_rfc - 1), todo.eq(todo - 1)]
                    with m.If(todo == 1):
                        with m.If(set_up):
                            m.d.sync += state.eq(State.RUN)
                        with m.Else():
                            m.d.sync += state.eq(State.MODE)
                with m.Case(State.MODE):
                    m.d.sync += [
                        *wait(config.cycles_mrd - 1),
                        set_up.eq(1),
                        state.eq(State.RUN),
                    ]
                with m.Case(State.RUN):
                    with m.If(due):
                        m.d.sync += state.eq(State.CLOSE)
                with m.Case(State.CLOSE):
                    with m.If(acts):
                        m.d.sync += [
                            *wait(config.cycles_rp - 1),
                            todo.eq(owed),
                            state.eq(State.REFRESH),
                        ]
        return m
