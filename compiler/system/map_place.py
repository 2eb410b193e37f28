"""Where a map lies in memory."""

from dataclasses import dataclass

import numpy as np

from golden.shape import ShapeError


@dataclass(frozen=True, kw_only=True)
class MapPlace:
    """Bytes in the order [y][channel][x], each row padded to `pitch`.

    The byte of (c, y, x) is at `address` + (y * channels + c) * pitch + x. It holds a raw
    activation, two's complement, zeros above. What the padding holds means nothing.

    Parameters
    ----------
    address : of the first byte, a multiple of the bus's width.
    channels, height, width : of the map.
    pitch : bytes from one channel's row to the next channel's; see `pitch_of`.
    """

    address: int
    channels: int
    height: int
    width: int
    pitch: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return self.channels, self.height, self.width

    @property
    def row_bytes(self) -> int:
        """Bytes from one image row to the next."""
        return self.channels * self.pitch

    @property
    def bytes(self) -> int:
        """Bytes of the map, padding counted."""
        return self.height * self.row_bytes

    @property
    def end(self) -> int:
        """The first address behind the map."""
        return self.address + self.bytes

    def offsets(self, pixels: np.ndarray) -> np.ndarray:
        """Bytes from `address` to pixels of channel 0.

        Parameters
        ----------
        pixels : int64 of any shape, y * width + x, negative for none.

        Returns
        -------
        int64 of the same shape, -1 for none.
        """
        y, x = np.divmod(pixels, self.width)
        return np.where(pixels >= 0, y * self.row_bytes + x, -1)

    def write(self, memory: bytearray, raw: np.ndarray) -> None:
        """Put raw activations, uint8 (channels, height, width), into a memory.

        Raises
        ------
        ShapeError : an array of another shape.
        """
        if raw.shape != self.shape:
            raise ShapeError(f"the map has shape {raw.shape}, but its place takes {self.shape}")
        self._bytes(memory)[:, :, : self.width] = raw.swapaxes(0, 1)

    def read(self, memory: bytearray) -> np.ndarray:
        """The raw activations in a memory, uint8 (channels, height, width)."""
        return self._bytes(memory)[:, :, : self.width].swapaxes(0, 1).copy()

    def _bytes(self, memory: bytearray) -> np.ndarray:
        """A view of the map's bytes, uint8 (height, channels, pitch)."""
        flat = np.frombuffer(memory, np.uint8, self.bytes, self.address)
        return flat.reshape(self.height, self.channels, self.pitch)


def pitch_of(width: int, bus_bytes: int) -> int:
    """The pitch of maps of `width` pixels: a multiple of the bus's width."""
    return aligned(width, bus_bytes)


def aligned(count: int, unit: int) -> int:
    """The next multiple of `unit`, a number from `count` up."""
    return -(-count // unit) * unit


def to_raw(values: np.ndarray, bits: int) -> np.ndarray:
    """Integers as raw activations of `bits` bits, uint8 of the same shape."""
    return (values.astype(np.int64) & (1 << bits) - 1).astype(np.uint8)


def from_raw(raw: np.ndarray, bits: int, *, signed: bool) -> np.ndarray:
    """The integers of raw activations of `bits` bits, int64 of the same shape."""
    sign = 1 << bits - 1
    values = raw.astype(np.int64)
    return (values ^ sign) - sign if signed else values
