"""The parameters of a system: an array, and what moves its data to and from memory."""

import json
import zlib
from dataclasses import asdict, dataclass
from functools import cached_property

from params.config import ArrayConfig, ConfigError

UNIT_BITS = 32
"""A row's weights lie in memory as units of so many bits."""

UNIT_BYTES = UNIT_BITS // 8

OFFSET_BITS = 32
"""Width of a place in the memory window, in bytes from its start."""

LARGEST_BURST_BYTES = 4096
"""A burst of AXI4 does not cross a multiple of this (AMBA AXI, A3.4.1)."""


@dataclass(frozen=True, kw_only=True)
class SystemConfig:
    """Parameters of a system.

    Parameters
    ----------
    array : of integer weights.
    bus_bytes : width of the memory bus, a power of two from 2 to 128.
    burst_beats : longest burst, a power of two from 2 to 256; no burst crosses a multiple of it.
    buffered_beats : beats that a reader of memory may have on their way; two bursts at least.
    pieces : entries of each table of pieces; see `params.commands`.
    patience : cycles without any progress after which a run ends with an error.

    Raises
    ------
    ConfigError : a value is out of range or two values do not go together.
    """

    array: ArrayConfig
    bus_bytes: int = 16
    burst_beats: int = 16
    buffered_beats: int = 64
    pieces: int = 256
    patience: int = 1 << 20

    def __post_init__(self) -> None:
        for name, low, high in (
            ("bus_bytes", 2, 128), ("burst_beats", 2, 256), ("buffered_beats", 4, 4096),
            ("pieces", 2, 4096), ("patience", 64, 1 << 30),
        ):  # fmt: skip
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"{name} is {value!r}, but must be an integer in {low}..{high}")
        for name in ("bus_bytes", "burst_beats"):
            value = getattr(self, name)
            if value & (value - 1):
                raise ConfigError(f"{name} is {value}, but must be a power of two")
        if self.bus_bytes * self.burst_beats > LARGEST_BURST_BYTES:
            raise ConfigError(
                f"a burst has {self.burst_beats} beats of {self.bus_bytes} bytes, but must not "
                f"have more than {LARGEST_BURST_BYTES} bytes"
            )
        if self.buffered_beats < 2 * self.burst_beats:
            raise ConfigError(
                f"buffered_beats is {self.buffered_beats}, but must be two bursts of "
                f"{self.burst_beats} at least"
            )
        if self.array.turns > 1:
            raise ConfigError(
                f"{self.array.name} computes with {self.array.arithmetic}, but a system has an "
                "array of integers"
            )

    @cached_property
    def digest(self) -> int:
        """32 bits that tell this system from others: a CRC of all parameters but the name."""
        fields = asdict(self)
        del fields["array"]["name"]
        return zlib.crc32(json.dumps(fields, sort_keys=True).encode())

    @property
    def beat_bits(self) -> int:
        """Width of the place of a beat in the memory window."""
        return OFFSET_BITS - (self.bus_bytes - 1).bit_length()

    @property
    def byte_bits(self) -> int:
        """Width of the place of a byte in a beat."""
        return (self.bus_bytes - 1).bit_length()
