"""The activation memory of one lane group."""

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from hw.apart import register_apart
from hw.delay import delayed
from params import ArrayConfig
from params.timing import READ_LATENCY

BANK_DEPTH = 2048
"""Words of a bank: a block RAM keeps both its ports at full width per bit up to this depth."""


class ActivationMemory(wiring.Component):
    """A RAM with one read port per row, kept as one copy for every two rows.

    A block RAM has two ports. The first reads for an even row and is also the write port, the
    second reads for the odd row beside it; so a write takes the even rows' address and their
    read of that cycle, and nothing else. Deep memories are split into banks. Behind each bank
    stands a register, a block RAM takes most of a cycle to give its word, and the choice between
    the banks has a register stage of its own, with a register that chooses for each half of a word.

    Latency `READ_LATENCY` cycles. What a read returns that meets a write to the same word is not
    defined: the compiler never lets a tile read what is being loaded.

    Members
    -------
    address : In(array per row), word : Out(array per row)
    write : In, for the even rows' address; data : In, the word written.
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        word = data.ArrayLayout(config.activation_bits, config.lanes_per_group)
        super().__init__(
            {
                "address": In(range(config.depth)).array(config.rows),
                "word": Out(word).array(config.rows),
                "write": In(1),
                "data": In(word),
            }
        )
        self._word = word

    def elaborate(self, platform):
        m = Module()
        config = self._config
        starts = range(0, config.depth, BANK_DEPTH)
        read_data = [[] for _ in range(config.rows)]
        for even in range(0, config.rows, 2):
            for bank, start in enumerate(starts):
                ram = memory.Memory(
                    shape=self._word.size,
                    depth=max(2, min(BANK_DEPTH, config.depth - start)),
                    init=[],
                    # The ports of one block RAM promise nothing about such a collision.
                    attrs={"no_rw_check": 1},
                )
                m.submodules[f"ram_{even // 2}_{bank}"] = ram
                write = ram.write_port()
                m.d.comb += [
                    write.addr.eq(self.address[even]),
                    write.en.eq(self.write & self._selects(self.address[even], bank)),
                    write.data.eq(self.data),
                ]
                for row in range(even, min(even + 2, config.rows)):
                    read = ram.read_port()
                    m.d.comb += read.addr.eq(self.address[row])
                    if row == even:
                        m.d.comb += read.en.eq(~self.write)
                    read_data[row].append(read.data)
        for row in range(config.rows):
            addressed = Signal(range(len(starts)), name=f"addressed_bank_{row}")
            m.d.comb += addressed.eq(self.address[row] // BANK_DEPTH)
            chosen = delayed(m, addressed, READ_LATENCY - 2, f"bank_{row}", reset_less=True)
            lower = delayed(m, chosen, 1, f"lower_bank_{row}", reset_less=True)
            upper = register_apart(m, chosen, f"upper_bank_{row}")
            banks = []
            for bank, value in enumerate(read_data[row]):
                registered = Signal(self._word.size, name=f"read_{row}_{bank}", reset_less=True)
                m.d.sync += registered.eq(value)
                banks.append(registered)
            word = Signal(self._word.size, name=f"word_{row}", reset_less=True)
            half = self._word.size // 2
            m.d.sync += [
                word[:half].eq(Array(value[:half] for value in banks)[lower]),
                word[half:].eq(Array(value[half:] for value in banks)[upper]),
            ]
            m.d.comb += self.word[row].eq(word)
        return m

    @staticmethod
    def _selects(address, bank: int):
        return address // BANK_DEPTH == bank
