"""Random pieces of words, and what they mean byte by byte."""

import random
from dataclasses import dataclass

from amaranth.lib import data

from hw.system import ports
from params import ArrayConfig
from params.system import SystemConfig

WINDOW = 1 << 32


@dataclass(frozen=True)
class Piece:
    lane: int
    count: int
    double: int
    last: int
    offset: int
    final: int = 0

    def places(self, lanes: int) -> list[tuple[int, int]]:
        """Pairs (lane, place of its byte), for the lanes there are."""
        step = 2 if self.double else 1
        return [
            (self.lane + i, (self.offset + i * step) % WINDOW)
            for i in range(self.count)
            if self.lane + i < lanes
        ]

    def packed(self, config: SystemConfig) -> int:
        """As a `ports.placed_piece`."""
        return self._pack(ports.placed_piece(config))

    def entry(self, config: SystemConfig) -> dict:
        """As a `ports.table_piece`."""
        return {name: getattr(self, name) for name in ports.table_piece(config).members}

    def _pack(self, layout: data.StructLayout) -> int:
        return layout.const({n: getattr(self, n) for n in layout.members}).as_value().value


def system(
    lanes: int, bus_bytes: int, *, activation_bits: int = 8, burst_beats: int = 4,
    buffered_beats: int = 16, pieces: int = 16,
) -> SystemConfig:  # fmt: skip
    return SystemConfig(
        array=ArrayConfig(
            lanes=lanes, rows=1, depth=16, drain_width=1, activation_bits=activation_bits
        ),
        bus_bytes=bus_bytes,
        burst_beats=burst_beats,
        buffered_beats=buffered_beats,
        pieces=pieces,
    )


def random_word(
    rng: random.Random, lanes: int, *, window: int = WINDOW, beyond: bool = True
) -> list[Piece]:
    """Pieces of one word whose lanes do not overlap; now and then one is empty or too long."""
    pieces = []
    lane = rng.choice((0, 0, rng.randrange(lanes)))
    while lane < lanes and rng.random() < 0.9:
        count = rng.choice((1, lanes - lane, rng.randrange(lanes - lane + 1)))
        shown = count
        if beyond and lane + count == lanes and rng.random() < 0.3:
            shown = rng.randrange(count, lanes + 1)
        pieces.append(
            Piece(
                lane=lane, count=shown, double=rng.randrange(2), last=0,
                offset=rng.randrange(window),
            )
        )  # fmt: skip
        lane += count + rng.choice((0, rng.randrange(lanes)))
    if not pieces or rng.random() < 0.1:
        pieces.append(
            Piece(
                lane=rng.randrange(lanes), count=0, double=rng.randrange(2), last=0,
                offset=rng.randrange(window),
            )
        )  # fmt: skip
    rng.shuffle(pieces)
    pieces[-1] = Piece(**{**vars(pieces[-1]), "last": 1})
    return pieces


def unpack_word(word: int, config: SystemConfig) -> list[int]:
    bits = config.array.activation_bits
    return [word >> bits * lane & ((1 << bits) - 1) for lane in range(config.array.lanes)]


def pack_word(values: list[int], config: SystemConfig) -> int:
    bits = config.array.activation_bits
    return sum(value << bits * lane for lane, value in enumerate(values))
