"""cocotb bench of the requantizers against the formula."""

import random
from collections import deque

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from hw.requantizer import Requantizer
from params import ArrayConfig, layouts, packing
from sim.streams import start
from tests.hw.blocks import REQUANTIZERS

VECTORS = 60
"""Per kind of values and pair of limits."""


@cocotb.test()
@cocotb.parametrize(kind=["uniform", "extreme", "near_limits"])
async def equals_the_formula(dut, kind):
    """A value a cycle, compared `latency` cycles later; the limits are those of a tile."""
    for name in REQUANTIZERS:
        for port in ("accumulator", "epilogue", "clamp"):
            getattr(dut, f"{name}__{port}").value = 0
    await start(dut)
    benches = [_Bench(dut, name, config, kind) for name, config in REQUANTIZERS.items()]
    for limits in range(6):
        for bench in benches:
            bench.set_limits(limits)
        for cycle in range(VECTORS + max(bench.latency for bench in benches)):
            for bench in benches:
                bench.step(drive=cycle < VECTORS)
            await FallingEdge(dut.clk)
    assert all(bench.compared == 6 * VECTORS for bench in benches)


class _Bench:
    """Drives one requantizer at every falling edge and compares what comes out."""

    def __init__(self, dut, name: str, config: ArrayConfig, kind: str):
        self._name, self._config, self._kind = name, config, kind
        self._port = lambda port: getattr(dut, f"{name}__{port}")
        self._random = random.Random(f"{name} {cocotb.RANDOM_SEED}")
        self._pending: deque[tuple[int, int, dict]] = deque()
        self._cycle = 0
        self.latency = Requantizer(config).latency
        self.compared = 0

    def set_limits(self, number: int) -> None:
        bits = self._config.activation_bits
        signed = (-(1 << bits - 1), (1 << bits - 1) - 1)
        unsigned = (0, (1 << bits) - 1)
        free = sorted(self._random.randint(signed[0], unsigned[1]) for _ in range(2))
        choices = (signed, unsigned, (0, signed[1]), (signed[0], unsigned[1]), (3, 3), free)
        self._low, self._high = choices[number]
        clamp = layouts.clamp(self._config).const({"low": self._low, "high": self._high})
        self._port("clamp").value = clamp.as_bits()

    def step(self, *, drive: bool) -> None:
        if self._pending and self._pending[0][0] == self._cycle:
            _, expected, values = self._pending.popleft()
            got = self._port("o").value.to_unsigned()
            assert got == expected, f"{self._name}: {got}, expected {expected} for {values}"
            self.compared += 1
        if drive:
            values = self._draw()
            word = packing.pack(
                layouts.requantization(self._config),
                {key: np.array([values[key]]) for key in ("multiplier", "offset", "shift")},
                1,
            )
            self._port("accumulator").value = values["accumulator"]
            self._port("epilogue").value = int.from_bytes(word.tobytes(), "little")
            total = values["accumulator"] * values["multiplier"] + values["offset"]
            clamped = max(self._low, min(self._high, total >> values["shift"]))
            expected = clamped % (1 << self._config.activation_bits)
            self._pending.append((self._cycle + self.latency, expected, values))
        self._cycle += 1

    def _draw(self) -> dict:
        config, draw = self._config, self._random
        largest = (1 << config.accumulator_bits - 1) - 1
        widest = (1 << config.offset_bits - 1) - 1
        shift = draw.randint(0, config.max_right_shift)
        if self._kind == "extreme":
            return {
                "accumulator": draw.choice((-largest - 1, -largest, -1, 0, 1, largest)),
                "multiplier": draw.choice((0, 1, 1 << 15, (1 << 16) - 1)),
                "offset": draw.choice((-widest - 1, -widest, -1, 0, 1, widest)),
                "shift": draw.choice((0, 1, config.max_right_shift - 1, config.max_right_shift)),
            }
        magnitude = draw.randint(0, config.accumulator_bits - 1)
        accumulator = draw.randint(-1 << magnitude, (1 << magnitude) - 1)
        multiplier = draw.getrandbits(16)
        offset = draw.randint(-widest - 1, widest)
        if self._kind == "near_limits":
            # The exact result, one step of it more or less, and the fraction that is cut off.
            target = draw.choice((self._low, self._high)) + draw.randint(-1, 1)
            fraction = draw.choice((0, 1, (1 << shift) - 1, draw.getrandbits(shift)))
            offset = (target << shift) + fraction - accumulator * multiplier
            offset = max(-widest - 1, min(widest, offset))
        return {
            "accumulator": accumulator,
            "multiplier": multiplier,
            "offset": offset,
            "shift": shift,
        }
