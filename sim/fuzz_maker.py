"""Makes cases for the fuzzer, each from a number of its own."""

import dataclasses
import random

from params.commands import COMMAND_BYTES
from params.config import ArrayConfig
from params.presets import preset
from params.system import SystemConfig
from sim.fuzz_case import BASES, FuzzCase
from sim.fuzz_commands import pack, random_sequence, tamed
from sim.fuzz_images import GoodImage, good_images
from sim.fuzz_mutations import MUTATIONS, Mutant

PATIENCE = 2048


def _array(residuals: bool) -> ArrayConfig:
    return dataclasses.replace(preset("tiny"), depth=64, residuals=residuals)


CONFIGS = {
    "residuals": SystemConfig(
        array=_array(True), bus_bytes=4, burst_beats=4, buffered_beats=16, pieces=32,
        patience=PATIENCE,
    ),
    "plain": SystemConfig(
        array=_array(False), bus_bytes=16, burst_beats=8, buffered_beats=32, pieces=24,
        patience=PATIENCE,
    ),
}  # fmt: skip
"""Small systems that are fuzzed, by name."""


class CaseMaker:
    """Makes cases for a system.

    Parameters
    ----------
    config : the system.
    """

    def __init__(self, config: SystemConfig) -> None:
        self.config = config
        self.images = good_images(config)

    def make(self, seed: int) -> FuzzCase:
        """The hostile case of a number; the same for the same number."""
        draw = random.Random(seed)
        chance = draw.random()
        if chance < 0.03:
            return self._random_bytes(draw)
        if chance < 0.25:
            return self._random_commands(draw)
        return self._mutant(draw)

    def good(self, seed: int) -> FuzzCase:
        """A case that must do its work."""
        draw = random.Random(seed)
        good = draw.choice(self.images)
        return self._case(
            "good", good.memory, good.image.size, good.image.commands, draw, good=good
        )

    def _random_bytes(self, draw: random.Random) -> FuzzCase:
        size = draw.randrange(1, 4096)
        commands = draw.choice((0, draw.randrange(size), draw.getrandbits(32)))
        return self._case("random bytes", draw.randbytes(size), size, commands, draw)

    def _random_commands(self, draw: random.Random) -> FuzzCase:
        """Random commands behind the weights and maps of a good image."""
        good = draw.choice(self.images)
        data = good.memory[: good.image.commands]
        commands = [pack(item) for item in random_sequence(self.config, len(data), draw)]
        return self._built("random commands", data, commands, draw)

    def _mutant(self, draw: random.Random) -> FuzzCase:
        good = draw.choice(self.images)
        mutant = Mutant(
            self.config,
            good.memory[: good.image.commands],
            [octets.tobytes() for octets in good.image.encoded_commands],
            draw,
        )
        for _ in range(draw.choice((1, 1, 2, 3, 5, 8))):
            draw.choice(MUTATIONS)(mutant)
            if not mutant.commands:
                break
        return self._built("mutant", bytes(mutant.data), mutant.commands, draw)

    def _built(
        self, kind: str, data: bytes, commands: list[bytes], draw: random.Random
    ) -> FuzzCase:
        """A case of data and commands behind them, in a window that is sometimes too small."""
        commands = [tamed(octets, len(data)) for octets in commands]
        burst = self.config.bus_bytes * self.config.burst_beats
        whole = data + b"".join(commands)
        size = -(-len(whole) // burst) * burst
        whole = whole.ljust(size, b"\0")
        start = len(data)
        chance = draw.random()
        if chance < 0.05:
            size = draw.randrange(size + 1)
        elif chance < 0.08:
            size += draw.randrange(1, burst)
        elif chance < 0.10:
            start = draw.choice((0, start + COMMAND_BYTES * draw.randrange(4), start + 1, size))
        elif chance < 0.15:
            # The window begins late: what was in front is outside, everything else moved.
            whole = whole[draw.randrange(1, 8) * burst :]
        return self._case(kind, whole, size, start, draw)

    def _case(
        self,
        kind: str,
        contents: bytes,
        size: int,
        commands: int,
        draw: random.Random,
        good: GoodImage | None = None,
    ) -> FuzzCase:
        base = draw.choice(BASES)
        breaks = good is None and draw.random() < 0.05
        return FuzzCase(
            kind=kind,
            contents=contents,
            base=base,
            window_size=size,
            commands=commands,
            latency=draw.choice((1, 1, 4, 20)),
            stalls=draw.choice((0, 0, 20_000, 45_000)),
            order=draw.randrange(3),
            broken=base + draw.randrange(len(contents) + 1) if breaks else 0,
            rest=draw.choice((0, 0, 60)),
            good=good,
        )
