"""Which paths of a synthesized ECP5 design will be slow, told before it is placed.

Placing a large design takes the better part of an hour, and this some seconds. Cells have about the
delays of speed grade 6, and every net costs the same, more where it has many loads. A full FPGA is
slower than that; the order of the paths is what counts.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

NET_NS = 1.1
"""Of a net with few loads."""

LOADED_NS = ((20, 0.4), (100, 0.6), (500, 0.8))
"""What a net with more than so many loads costs more."""

CLOCK_TO_OUTPUT_NS = 0.52
RAM_NS = 5.7
RAM_REGISTER_NS = 0.9
MULTIPLIER_NS = 4.0

_INPUTS = {
    "LUT4": {"Z": (("A", "B", "C", "D"), 0.24)},
    "PFUMX": {"Z": (("ALUT", "BLUT", "C0"), 0.15)},
    "L6MUX21": {"Z": (("D0", "D1", "SD"), 0.15)},
    "TRELLIS_DPR16X4": {"DO": (("RAD",), 0.24)},
    "CCU2C": {
        "S0": (("A0", "B0", "C0", "D0", "CIN"), 0.45),
        "S1": (("A0", "B0", "C0", "D0", "A1", "B1", "C1", "D1", "CIN"), 0.45),
        "COUT": (("A0", "B0", "C0", "D0", "A1", "B1", "C1", "D1", "CIN"), 0.45),
    },
}
"""For each output of a cell, the inputs that lead to it, and the delay in ns."""

CARRY_NS = 0.07
"""From the carry that comes in to the one that goes out."""

_ENDS = {
    "TRELLIS_FF": ("DI", "CE", "LSR", "M"),
    "TRELLIS_DPR16X4": ("DI", "WAD", "WRE"),
}
"""Inputs at which a path ends; all inputs but clocks of other cells that are none of the above."""


@dataclass(frozen=True, kw_only=True)
class Path:
    """The slowest of the paths from one block to another.

    Parameters
    ----------
    start, end : registers; see `estimate_paths` for the blocks.
    nanoseconds : of the slowest path. levels : tables and carry chains on it.
    ends : how many ends have such a path that is slower than asked for.
    """

    start: str
    end: str
    nanoseconds: float
    levels: int
    ends: int


def estimate_paths(module: dict, *, least_ns: float = 10.0, depth: int = 4) -> list[Path]:
    """The slow paths of a module, by the blocks where they start and end, slowest first.

    Parameters
    ----------
    module : of the synthesis tool's JSON, cells mapped to ECP5.
    least_ns : faster paths are left out.
    depth : levels of the hierarchy that tell blocks apart.
    """
    return _Estimate(module).paths(least_ns, depth)


class _Estimate:
    def __init__(self, module: dict):
        self._cells = module["cells"]
        self._drivers: dict[int, tuple[str, str]] = {}
        self._loads: Counter[int] = Counter()
        for name, cell in self._cells.items():
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] == "output":
                    self._drivers.update(dict.fromkeys(_nets(bits), (name, port)))
                else:
                    self._loads.update(_nets(bits))
        # When a net's driver has it, and the net that it waited for.
        self._times: dict[int, tuple[float, int | None]] = {}

    def paths(self, least_ns: float, depth: int) -> list[Path]:
        found: dict[tuple[str, str], Path] = {}
        for name, cell in self._cells.items():
            for bit in self._end_nets(cell):
                time = self._arrival(bit) + self._net_ns(bit)
                if time < least_ns:
                    continue
                trace = self._trace(bit)
                start, end = _register(self._drivers[trace[-1]][0]), _register(name)
                key = _block(start, depth), _block(end, depth)
                known = found.get(key)
                ends = 1 + (known.ends if known else 0)
                if known is None or time > known.nanoseconds:
                    kinds = [self._cells[self._drivers[net][0]]["type"] for net in trace]
                    levels = kinds.count("LUT4") + sum(
                        kind == "CCU2C" and kinds[n - 1] != "CCU2C" for n, kind in enumerate(kinds)
                    )
                    found[key] = Path(
                        start=start, end=end, nanoseconds=time, levels=levels, ends=ends
                    )
                else:
                    found[key] = replace(known, ends=ends)
        return sorted(found.values(), key=lambda path: -path.nanoseconds)

    def _end_nets(self, cell: dict) -> Iterable[int]:
        kind, wires = cell["type"], cell["connections"]
        if kind in _INPUTS and kind not in _ENDS:
            return
        for port, bits in wires.items():
            if cell["port_directions"][port] == "output" or "CLK" in port:
                continue
            if kind not in _ENDS or port in _ENDS[kind]:
                yield from (bit for bit in _nets(bits) if bit in self._drivers)

    def _net_ns(self, bit: int) -> float:
        loads = self._loads[bit]
        return NET_NS + sum(more for least, more in LOADED_NS if loads > least)

    def _trace(self, bit: int) -> list[int]:
        """The nets of the slowest path to a net, from there back to a register."""
        trace = [bit]
        while (before := self._times[trace[-1]][1]) is not None:
            trace.append(before)
        return trace

    def _arrival(self, bit: int) -> float:
        """The time of a net; a stack of one's own, as chains are too deep for Python's."""
        stack = [bit]
        while stack:
            net = stack[-1]
            if net in self._times:
                stack.pop()
                continue
            inputs = self._inputs(net)
            missing = [one for one, _ in inputs if one not in self._times]
            if missing:
                # A loop of logic, which no path is, is cut where it is met again.
                self._times.update((one, (0.0, None)) for one in missing if one in stack)
                stack += [one for one in missing if one not in self._times]
                continue
            times = [(self._times[one][0] + ns, one) for one, ns in inputs]
            self._times[net] = max(times) if times else (self._start_ns(net), None)
            stack.pop()
        return self._times[bit][0]

    def _inputs(self, net: int) -> list[tuple[int, float]]:
        """The nets that a net's driver waits for, and the time from there to here."""
        if net not in self._drivers:
            return []
        name, port = self._drivers[net]
        cell = self._cells[name]
        wires = cell["connections"]
        if port not in _INPUTS.get(cell["type"], {}):
            return []
        ports, cell_ns = _INPUTS[cell["type"]][port]
        found = []
        for source in ports:
            for bit in _nets(wires.get(source, [])):
                direct = source in ("CIN", "ALUT", "BLUT", "D0", "D1") and cell["type"] != "LUT4"
                ns = CARRY_NS if (source, port) == ("CIN", "COUT") else cell_ns
                if cell["type"] == "CCU2C" and source in ("D0", "D1"):
                    direct = False
                found.append((bit, ns + (0.0 if direct else self._net_ns(bit))))
        return found

    def _start_ns(self, net: int) -> float:
        """The time from the clock to a net that no logic drives."""
        if net not in self._drivers:
            return 0.0
        name, port = self._drivers[net]
        cell = self._cells[name]
        parameters = cell["parameters"]
        if cell["type"] == "DP16KD":
            registered = parameters.get(f"REGMODE_{port[2]}") == "OUTREG"
            return RAM_REGISTER_NS if registered else RAM_NS
        if cell["type"] == "MULT18X18D":
            return MULTIPLIER_NS
        return CLOCK_TO_OUTPUT_NS


def _nets(bits: Iterable) -> Iterable[int]:
    """Nets among bits, which may be constants, too."""
    return (bit for bit in bits if isinstance(bit, int))


def _register(cell: str) -> str:
    """The name of a cell without what the tools appended to it."""
    return re.split(r"_(?:TRELLIS_|LUT4|PFUMX|CCU2C|DOA|DOB|L6MUX)", cell)[0]


def _block(register: str, depth: int) -> str:
    return re.sub(r"\$\d+", "", ".".join(register.split(".")[:depth]))
