"""Ends of lines, and what stands behind a bridge, for tests in Amaranth's own simulator."""

import random

CLOCK = 1e-8


class Line:
    """Sends bytes on a line bit by bit; a bit takes `cycles_per_bit` cycles, any number.

    `noise` are pairs (first cycle, cycles) in which the line is inverted.
    """

    def __init__(self, rx, cycles_per_bit: float, *, noise=()):
        self._rx = rx
        self._cycles_per_bit = cycles_per_bit
        self._noise = list(noise)
        self._bits: list[int] = []

    def byte(self, value: int, *, stop: int = 1) -> None:
        """Queue a byte."""
        self._bits += [0, *(value >> k & 1 for k in range(8)), stop]

    def rest(self, bits: int, level: int = 1) -> None:
        """Queue `bits` bit times of a level."""
        self._bits += [level] * bits

    async def send(self, ctx):
        """All of it; a testbench."""
        count = len(self._bits)
        for cycle in range(int(count * self._cycles_per_bit)):
            level = self._bits[min(count - 1, int(cycle / self._cycles_per_bit))]
            for first, cycles in self._noise:
                level ^= first <= cycle < first + cycles
            ctx.set(self._rx, level)
            await ctx.tick()
        ctx.set(self._rx, 1)


class Listener:
    """Notes in which cycle a line changes, for ever; `levels` says it in the middle of bits."""

    def __init__(self, tx):
        self._tx = tx
        self.changes: list[int] = []

    async def listen(self, ctx):
        """A background testbench."""
        before, cycle = 1, 0
        async for _, _, level in ctx.tick().sample(self._tx):
            if level != before:
                self.changes.append(cycle)
                before = level
            cycle += 1

    def level(self, cycle: float) -> int:
        """Of the line in a cycle: it rests at 1, and changes with each change."""
        return 1 - sum(change <= cycle for change in self.changes) % 2

    def decode(self, cycles_per_bit: float) -> list[int]:
        """Bytes on the line, each with its stop bit in bit 8."""
        result = []
        now = 0.0
        for change in self.changes:
            if change < now or self.level(change):
                continue
            bits = [self.level(change + (k + 0.5) * cycles_per_bit) for k in range(10)]
            result.append(sum(bit << k for k, bit in enumerate(bits[1:])))
            now = change + 9.5 * cycles_per_bit
        return result


class Bytes:
    """Sends bytes to `byte` and `valid`, at least `gap` cycles apart; None is a broken one."""

    def __init__(self, dut, items, *, gap: int = 2, seed: int = 0):
        self._dut, self._items, self._gap = dut, list(items), gap
        self._random = random.Random(seed)

    async def send(self, ctx):
        """All; a testbench."""
        dut = self._dut
        for item in self._items:
            ctx.set(dut.valid, item is not None)
            ctx.set(dut.broken, item is None)
            ctx.set(dut.byte, self._random.getrandbits(8) if item is None else item)
            await ctx.tick()
            ctx.set(dut.valid, 0)
            ctx.set(dut.broken, 0)
            for _ in range(self._gap - 1 + self._random.choice((0, 0, 1, 5))):
                await ctx.tick()
        for _ in range(4):
            await ctx.tick()


class Slaves:
    """Memory on AXI4 and registers on AXI4-Lite, with random pauses.

    Addresses from `limit` on, and offsets from `offsets` on, are answered with an error.

    Members
    -------
    memory : bytes. registers : values by offset; every write counts in `writes`.
    """

    def __init__(self, dut, *, bus_bytes: int, limit: int = 4096, offsets: int = 64, seed: int = 0):
        self._dut, self._bus_bytes = dut, bus_bytes
        self._limit, self._offsets = limit, offsets
        self._random = random.Random(seed)
        self.memory = bytearray(self._random.randbytes(limit))
        self.registers: dict[int, int] = {}
        self.writes: list[tuple[int, int]] = []

    @property
    def testbenches(self):
        """For each channel one, to be run in the background."""
        return self.read, self.write, self.read_register, self.write_register

    async def read(self, ctx):
        axi, size = self._dut.read, self._bus_bytes
        while True:
            address = await self._take(ctx, axi, "ar", "araddr", "arlen", "arsize", "arburst")
            address, *shape = address
            assert shape == [0, size.bit_length() - 1, 1]
            assert address % size == 0
            beat = self.memory[address : address + size]
            ctx.set(axi.rdata, int.from_bytes(beat, "little"))
            ctx.set(axi.rlast, 1)
            await self._give(ctx, axi, "r", 2 * (address >= self._limit))

    async def write(self, ctx):
        axi, size = self._dut.write, self._bus_bytes
        while True:
            address, *shape = await self._take(
                ctx, axi, "aw", "awaddr", "awlen", "awsize", "awburst"
            )
            data, strobe, last = await self._take(ctx, axi, "w", "wdata", "wstrb", "wlast")
            assert shape == [0, size.bit_length() - 1, 1]
            assert last
            assert strobe
            assert address % size == 0
            if address < self._limit:
                for k in range(size):
                    if strobe >> k & 1:
                        self.memory[address + k] = data >> 8 * k & 0xFF
            await self._give(ctx, axi, "b", 3 * (address >= self._limit))

    async def read_register(self, ctx):
        axi = self._dut.control
        while True:
            (offset,) = await self._take(ctx, axi, "ar", "araddr")
            ctx.set(axi.rdata, self.registers.get(offset, 0))
            await self._give(ctx, axi, "r", 2 * (offset >= self._offsets))

    async def write_register(self, ctx):
        axi = self._dut.control
        while True:
            value, strobe = await self._take(ctx, axi, "w", "wdata", "wstrb")
            (offset,) = await self._take(ctx, axi, "aw", "awaddr")
            assert strobe == 15
            self.writes.append((offset, value))
            if offset < self._offsets:
                self.registers[offset] = value
            await self._give(ctx, axi, "b", 2 * (offset >= self._offsets))

    async def _take(self, ctx, axi, channel: str, *names: str):
        await self._pause(ctx)
        ready, valid = getattr(axi, f"{channel}ready"), getattr(axi, f"{channel}valid")
        ctx.set(ready, 1)
        while True:
            _, _, there, *values = await ctx.tick().sample(
                valid, *(getattr(axi, name) for name in names)
            )
            if there:
                ctx.set(ready, 0)
                return values

    async def _give(self, ctx, axi, channel: str, response: int):
        await self._pause(ctx)
        valid, ready = getattr(axi, f"{channel}valid"), getattr(axi, f"{channel}ready")
        ctx.set(getattr(axi, f"{channel}resp"), response)
        ctx.set(valid, 1)
        while True:
            _, _, taken = await ctx.tick().sample(ready)
            if taken:
                break
        ctx.set(valid, 0)
        ctx.set(getattr(axi, f"{channel}resp"), self._random.getrandbits(2))

    async def _pause(self, ctx):
        for _ in range(self._random.choice((0, 0, 1, 7))):
            await ctx.tick()
