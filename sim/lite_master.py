"""A driver of AXI4-Lite for cocotb benches."""

from cocotb.triggers import FallingEdge

from params.registers import COUNTERS, OFFSETS


class LiteMaster:
    """Reads and writes the registers of the top level, one access at a time.

    Parameters
    ----------
    dut, name : the ports are `<name>__awaddr` and so on.
    """

    def __init__(self, dut, name: str):
        self._clock = dut.clk
        self._port = lambda signal: getattr(dut, f"{name}__{signal}")
        for signal in ("awvalid", "wvalid", "arvalid", "bready", "rready"):
            self._port(signal).value = 0
        for signal in ("awprot", "arprot"):
            self._port(signal).value = 0

    async def write(self, register: str, value: int) -> None:
        """Write a register by its name.

        Raises
        ------
        PermissionError : the system refused it.
        """
        await FallingEdge(self._clock)
        self._port("awaddr").value = OFFSETS[register]
        self._port("wdata").value = value
        self._port("wstrb").value = 0xF
        waiting = {"aw", "w"}
        for channel in waiting:
            self._port(f"{channel}valid").value = 1
        self._port("bready").value = 1
        while True:
            taken = {c for c in waiting if self._port(f"{c}ready").value == 1}
            answered = self._port("bvalid").value == 1 and not waiting
            response = int(self._port("bresp").value) if answered else 0
            await FallingEdge(self._clock)
            for channel in taken:
                self._port(f"{channel}valid").value = 0
            waiting -= taken
            if answered:
                break
        self._port("bready").value = 0
        if response:
            raise PermissionError(f"the system refused to write {value:#x} to {register}")

    async def read(self, register: str) -> int:
        """The value of a register by its name."""
        await FallingEdge(self._clock)
        self._port("araddr").value = OFFSETS[register]
        self._port("arvalid").value = 1
        self._port("rready").value = 1
        asked = False
        while True:
            taken = not asked and self._port("arready").value == 1
            answered = self._port("rvalid").value == 1
            value = int(self._port("rdata").value) if answered else 0
            await FallingEdge(self._clock)
            if taken:
                asked = True
                self._port("arvalid").value = 0
            if answered:
                break
        self._port("rready").value = 0
        return value

    async def counters(self) -> dict[str, int]:
        """All counters, of 64 bits each; no run may be under way."""
        return {
            name.lower(): await self.read(name) | await self.read(f"{name}_HIGH") << 32
            for name in COUNTERS
        }
