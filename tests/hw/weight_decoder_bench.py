"""cocotb bench of the weight decoder against a model of lists and loops."""

import random

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from hw.payloads import step
from params import ArrayConfig, layouts, packing
from sim.streams import StreamDriver, StreamMonitor, start
from tests.hw.blocks import DECODERS


@cocotb.test()
@cocotb.parametrize(name=list(DECODERS), stalls=[0.0, 0.25, 0.6])
async def decodes_every_weight(dut, name, stalls):
    """Tiles with another run table, pitch and number of passes each."""
    bench = _Bench(dut, name, stalls)
    await start(dut)
    bench.connect()
    for passes in (1, 3, 1, DECODERS[name].max_passes):
        for density in (0.03, 0.4, 1.0):
            await bench.tile(passes=passes, filters=2, density=density)


@cocotb.test()
@cocotb.parametrize(name=list(DECODERS), passes=[1, 2, 5], density=[0.15, 1.0])
async def gives_a_step_per_cycle(dut, name, passes, density):
    """Without stalls there is no bubble between mask words, passes and filters."""
    bench = _Bench(dut, name, 0.0)
    await start(dut)
    bench.connect()
    cycles = await bench.tile(passes=passes, filters=6, density=density, words=6, no_zeros=True)
    assert cycles[-1] - cycles[0] == len(cycles) - 1


class _Bench:
    """One decoder with drivers on its inputs, and what it has to give."""

    def __init__(self, dut, name: str, stalls: float):
        self._dut, self._name, self._stalls = dut, name, stalls
        self._config = DECODERS[name]
        self._random = random.Random(cocotb.RANDOM_SEED)

    def connect(self) -> None:
        """Attach the drivers and the monitor."""

        def driver(stream):
            return StreamDriver(self._dut, f"{self._name}__{stream}", stalls=self._stalls)

        self._runs = driver("runs")
        self._lengths = driver("lengths")
        self._masks = driver("masks")
        self._codes = [driver(f"codes__{f}") for f in range(self._config.filters_per_row)]
        # The code of a filter that does not count has no value before the filter's first one.
        self._output = StreamMonitor(
            self._dut, f"{self._name}__o", stalls=self._stalls, partial=True
        )

    async def tile(
        self,
        *,
        passes: int,
        filters: int,
        density: float,
        words: int | None = None,
        no_zeros: bool = False,
    ) -> list[int]:
        """Decode `filters` filter groups `passes` times and compare every step.

        `words` is the number of mask words of each (random when None); `no_zeros` gives each of
        them a weight. Returns the cycles in which the steps came.
        """
        config, draw = self._config, self._random
        runs = self._random_runs()
        pitch = draw.randint(0, config.depth)
        for name, value in (("pitch", pitch), ("passes", passes)):
            getattr(self._dut, f"{self._name}__{name}").value = value
        written = self._runs.sent + len(runs)
        self._runs.send(
            _packed(layouts.run_write(config), {"index": index, "run": run})
            for index, run in enumerate(runs)
        )
        while self._runs.sent < written:
            await FallingEdge(self._dut.clk)

        places = [(run, g) for run in runs for g in range(run["groups"])]
        # A pass that is repeated must fit the buffers.
        most = len(places) if passes == 1 else min(len(places), config.mask_depth)
        expected = []
        for _ in range(filters):
            count = min(most, words or draw.randint(1, most))
            masks = [self._random_masks(density, no_zeros) for _ in range(count)]
            codes = self._send(masks)
            for number in range(passes):
                expected += _steps(config, places, masks, codes, number * pitch)
        before = len(self._output.words)
        await self._output.collect(before + len(expected))
        words, undefined = self._output.words[before:], self._output.undefined[before:]
        for n, (word, bits, wanted) in enumerate(zip(words, undefined, expected, strict=True)):
            for value in (word, word | bits):
                got = _unpacked(config, value)
                assert got == wanted, f"step {n} is {got}, expected {wanted}"
        return self._output.cycles[before:]

    def _random_runs(self) -> list[dict]:
        config, draw = self._config, self._random
        runs = [
            {
                "shift": draw.randint(0, config.max_shift),
                "base": draw.randrange(config.depth),
                "groups": draw.randint(2, config.groups_per_run),
            }
            for _ in range(config.max_runs)
        ]
        # Runs of the same positions, as those of two terms are.
        if draw.random() < 0.5:
            runs[-1] = runs[0]
        return runs

    def _random_masks(self, density: float, no_zeros: bool) -> list[list[bool]]:
        """One mask word: for every filter, which positions have a weight."""
        config, draw = self._config, self._random
        masks = [
            [draw.random() < density for _ in range(config.mask_bits)]
            for _ in range(config.filters_per_row)
        ]
        if no_zeros:
            masks[-1][draw.randrange(config.mask_bits)] = True
        return masks

    def _send(self, masks) -> list[list[dict]]:
        """Queue a filter group's header, masks and random codes; returns each filter's codes."""
        config, draw = self._config, self._random
        self._masks.send(
            sum(
                bit << f * config.mask_bits + n
                for f, mask in enumerate(word)
                for n, bit in enumerate(mask)
            )
            for word in masks
        )
        codes, amounts = [], []
        for f in range(config.filters_per_row):
            count = sum(sum(word[f]) for word in masks)
            amounts.append(-(-count // config.codes_per_word))
            drawn = [
                {"sign": draw.getrandbits(1), "exponent": draw.randrange(config.levels)}
                for _ in range(amounts[-1] * config.codes_per_word)
            ]
            codes.append(drawn[:count])
            # The rest is the padding of the last word, which must not matter.
            for n in range(amounts[-1]):
                word = drawn[n * config.codes_per_word : (n + 1) * config.codes_per_word]
                self._codes[f].send([_packed(layouts.codes(config), word)])
        self._lengths.send(
            [_packed(layouts.lengths(config), {"groups": len(masks), "code_words": amounts})]
        )
        return codes


def _steps(config: ArrayConfig, places, masks, codes, offset: int) -> list[dict]:
    """The steps of one pass; what no filter uses is None."""
    steps = []
    taken = [0] * config.filters_per_row
    for place, ((run, number), word) in enumerate(zip(places, masks, strict=False)):
        base = run["base"] + offset + number * config.mask_bits
        for n in range(config.mask_bits):
            used = [None] * config.filters_per_row
            for f in range(config.filters_per_row):
                if word[f][n]:
                    used[f] = codes[f][taken[f]]
                    taken[f] += 1
            if any(code is not None for code in used):
                steps.append(
                    {
                        "address": (base + n) % config.depth,
                        "shift": run["shift"],
                        "codes": used,
                        "last": False,
                    }
                )
        if len(masks) == place + 1 and not any(map(any, word)):
            # A pass ends with a step even where there is no weight.
            nothing = [None] * config.filters_per_row
            steps.append({"address": None, "shift": None, "codes": nothing, "last": False})
    steps[-1]["last"] = True
    return steps


def _unpacked(config: ArrayConfig, word: int) -> dict:
    """A step as `_steps` gives it."""
    octets = word.to_bytes(packing.word_bytes(step(config)), "little")
    fields = packing.unpack(step(config), np.frombuffer(octets, np.uint8).reshape(1, -1))
    control = fields["control"]
    enable = int(control["enable"][0])
    return {
        "address": int(fields["address"][0]) if enable else None,
        "shift": int(fields["shift"][0]) if enable else None,
        "codes": [
            {key: int(control["codes"][key][0, f]) for key in ("sign", "exponent")}
            if enable >> f & 1
            else None
            for f in range(config.filters_per_row)
        ],
        "last": bool(control["last"][0]),
    }


def _packed(layout, value) -> int:
    """One word of `layout` as an unsigned integer."""
    return layout.const(value).as_bits()
