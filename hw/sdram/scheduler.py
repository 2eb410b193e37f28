"""Gives the chip its commands for one stretch after the other."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.sdram.bank import Bank
from hw.sdram.ports import ADDRESS_PINS, Command, stretch
from hw.sdram.spacing import Spacing
from params.sdram import BURST, SdramConfig


class Scheduler(wiring.Component):
    """Moves the beats of stretches in order, and opens rows ahead.

    Two stretches are held: the beats of `now` are moved while the row of `ahead` is opened, if it
    lies in another bank. Rows stay open until another of their bank is wanted or all banks are
    refreshed. A command moves two words, so at most every other cycle of a stream of beats needs
    one, and rows are opened in the cycles between. A beat that is put off for want of room or
    data, or for a refresh, gets a command of its own later.

    Throughput a beat per cycle while no row has to be waited for. A stretch hides the opening of
    the next's row when the banks differ and it has tRP + tRCD beats and up to four more. From
    reads to writes there is a gap of CAS latency + 2 cycles, from writes to reads one of a cycle.

    Members
    -------
    i : In(stream of ports.stretch)
    running : In, commands may be given. close : In, all banks are precharged; see `Maintenance`.
    work : Out, a stretch is held or waits. quiet : Out, all banks may be closed.
    room : In, for another beat read. data : In, there is a beat to be written.
    command : Out; bank, address : Out, that go with it.
    reads, writes : Out, a beat is read or written in this cycle.
    last : Out, it is the last of burst `id`.
    mask : Out, unless `writes` a word that the chip would write in this cycle belongs to no beat.
    """

    def __init__(self, config: SdramConfig, *, id_bits: int):
        self._config = config
        self._shape = stretch(config, id_bits)
        super().__init__(
            {
                "i": In(stream.Signature(self._shape)),
                "running": In(1),
                "close": In(1),
                "work": Out(1),
                "quiet": Out(1),
                "room": In(1),
                "data": In(1),
                "command": Out(Command),
                "bank": Out(config.bank_bits),
                "address": Out(ADDRESS_PINS),
                "reads": Out(1),
                "writes": Out(1),
                "last": Out(1),
                "id": Out(id_bits),
                "mask": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        banks = [Bank(config) for _ in range(1 << config.bank_bits)]
        for k, bank in enumerate(banks):
            m.submodules[f"bank_{k}"] = bank
        m.submodules.activates = activates = Spacing(config.cycles_rrd)
        # A read's words have left the bus for a cycle before one to be written comes.
        m.submodules.to_write = to_write = Spacing(config.cas_latency + BURST + 1)
        # The second word of a write may be masked, which a read right behind it would notice.
        m.submodules.to_read = to_read = Spacing(2)

        now = Signal(self._shape)
        ahead = Signal(self._shape)
        now_valid = Signal()
        ahead_valid = Signal()
        final = Signal()  # One beat of `now` is left.
        # Of the bank: the stretch's row is open, or another is.
        now_hit = Signal()
        now_miss = Signal()
        ahead_hit = Signal()
        ahead_miss = Signal()
        fresh = Signal()  # The two of `ahead` are not known yet.

        def of(stretch, name):
            return reduce(
                or_,
                (Mux(stretch.bank == k, getattr(bank, name), 0) for k, bank in enumerate(banks)),
            )

        # The beats.
        beat = Signal()
        follows = Signal()  # This column's word comes by the command of the cycle before.
        column = Signal()
        move = Signal()
        m.d.comb += [
            beat.eq(
                now_valid
                & now_hit
                & self.running
                & ~of(now, "access_waits")
                & Mux(now.write, self.data & ~to_write.waits, self.room & ~to_read.waits)
            ),
            column.eq(beat & ~follows),
            move.eq(~now_valid | (beat & final)),
            self.reads.eq(beat & ~now.write),
            self.writes.eq(beat & now.write),
            self.last.eq(final & now.last),
            self.id.eq(now.id),
            to_write.events[0].eq(column & ~now.write),
            to_read.events[0].eq(self.writes),
        ]
        m.d.sync += [
            follows.eq(column & ~now.column[0] & ~final),
            self.mask.eq(column & now.write),
        ]

        # The rows.
        same_bank = Signal()
        now_activates = Signal()
        now_precharges = Signal()
        ahead_may = Signal()
        ahead_activates = Signal()
        ahead_precharges = Signal()
        m.d.comb += [
            same_bank.eq(now_valid & (now.bank == ahead.bank)),
            now_activates.eq(
                now_valid & self.running & ~now_hit & ~now_miss
                & ~of(now, "activate_waits") & ~activates.waits
            ),
            now_precharges.eq(now_valid & self.running & now_miss & ~of(now, "precharge_waits")),
            ahead_may.eq(
                ahead_valid & self.running & ~fresh & ~same_bank
                & ~column & ~now_activates & ~now_precharges
            ),
            ahead_activates.eq(
                ahead_may & ~ahead_hit & ~ahead_miss
                & ~of(ahead, "activate_waits") & ~activates.waits
            ),
            ahead_precharges.eq(ahead_may & ahead_miss & ~of(ahead, "precharge_waits")),
            activates.events[0].eq(now_activates | ahead_activates),
        ]  # fmt: skip
        opens = now_activates | ahead_activates
        closes = now_precharges | ahead_precharges
        chosen = Signal(data.StructLayout({"bank": config.bank_bits, "row": config.row_bits}))
        by_ahead = Signal()
        m.d.comb += [
            by_ahead.eq(ahead_activates | ahead_precharges),
            chosen.bank.eq(Mux(by_ahead, ahead.bank, now.bank)),
            chosen.row.eq(Mux(by_ahead, ahead.row, now.row)),
            self.bank.eq(chosen.bank),
            self.address.eq(Mux(opens, chosen.row, Mux(column, now.column, 0))),
            self.command.eq(
                Mux(column, Mux(now.write, Command.WRITE, Command.READ),
                    Mux(opens, Command.ACTIVATE,
                        Mux(closes, Command.PRECHARGE, Command.NOTHING)))
            ),
        ]  # fmt: skip
        for k, bank in enumerate(banks):
            m.d.comb += [
                bank.activate.eq(opens & (chosen.bank == k)),
                bank.precharge.eq(closes & (chosen.bank == k)),
                bank.write.eq(self.writes & (now.bank == k)),
                bank.close.eq(self.close),
                bank.row.eq(chosen.row),
            ]
        m.d.comb += self.quiet.eq(
            ~Cat(bank.precharge_waits for bank in banks).any()
            & ~Cat(bank.activate_waits for bank in banks).any()
        )

        # What is known of the row of `ahead`. In the bank of `now` it follows a stretch whose row
        # is open by then.
        found_hit = Signal()
        found_miss = Signal()
        following_hit = Signal()
        following_miss = Signal()
        equal = Signal()
        is_open = Signal()
        kept = Signal()
        m.d.comb += [
            equal.eq(Mux(same_bank, now.row, of(ahead, "open_row")) == ahead.row),
            is_open.eq(same_bank | of(ahead, "open")),
            found_hit.eq(Mux(fresh, is_open & equal, ahead_hit)),
            found_miss.eq(Mux(fresh, is_open & ~equal, ahead_miss)),
            kept.eq(~self.close | same_bank),
            following_hit.eq((found_hit | ahead_activates) & kept),
            following_miss.eq(found_miss & ~ahead_precharges & kept),
        ]

        # The stretches move up.
        m.d.comb += [
            self.i.ready.eq(move | ~ahead_valid),
            self.work.eq(now_valid | ahead_valid | self.i.valid),
        ]
        with m.If(self.i.ready):
            m.d.sync += [
                ahead_valid.eq(self.i.valid),
                ahead.eq(self.i.payload),
                fresh.eq(1),
            ]
        with m.Else():
            m.d.sync += [
                ahead_hit.eq(following_hit),
                ahead_miss.eq(following_miss),
                fresh.eq(0),
            ]
        with m.If(move):
            m.d.sync += [
                now_valid.eq(ahead_valid),
                now.eq(ahead),
                now_hit.eq(following_hit),
                now_miss.eq(following_miss),
                final.eq(ahead.length == 0),
            ]
        with m.Else():
            m.d.sync += [
                now_hit.eq((now_hit | now_activates) & ~self.close),
                now_miss.eq(now_miss & ~now_precharges & ~self.close),
            ]
            with m.If(beat):
                m.d.sync += [
                    now.column.eq(now.column + 1),
                    now.length.eq(now.length - 1),
                    final.eq(now.length == 1),
                ]
        return m
