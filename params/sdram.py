"""SDR SDRAM chips: their geometry, and the times between their commands in clock cycles."""

from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from params.config import ConfigError

RETENTION_NS = 64_000_000
"""Every row is refreshed once in this time (JEDEC JESD21-C, 3.11.5; all datasheets below)."""

MOST_POSTPONED = 8
"""Refreshes that may be owed at any time."""

INITIAL_REFRESHES = 8
"""Refreshes between the power-up's precharge and the mode register."""

BURST = 2
"""Words that the chip moves for a column command.

With two a stream of beats takes every other slot of the command bus, and the next bursts' rows
are opened in the slots between. The second word is dropped or masked when no beat wants it.
"""

_MOST_MHZ = {2: 100.0, 3: 143.0}
"""Clock by CAS latency: tCK is 10 ns and 7 ns in all datasheets below."""


@dataclass(frozen=True, kw_only=True)
class SdramConfig:
    """A chip and its clock.

    Times are in nanoseconds, least times but for `power_up`; the methods below give them in cycles
    of the clock, as differences between the numbers of two cycles.

    Parameters
    ----------
    clock_mhz : of the chip and the controller.
    cas_latency : cycles from a read to its data, 2 or 3.
    bank_bits, row_bits, column_bits, data_bytes : geometry.
    rcd : tRCD, activate to read or write. rp : tRP, precharge to activate or refresh.
    ras : tRAS, activate to precharge. rc : tRC, activate to activate of the same bank.
    rrd : tRRD, activate to activate of another bank. wr : tWR, last data to precharge.
    rfc : tRFC, refresh to activate or refresh. mrd : tMRD, mode register to any command.
    power_up : from stable power to the first command.
    postponed : refreshes that are saved up while there is work, 1 to `MOST_POSTPONED` - 1.

    Raises
    ------
    ConfigError : a value is out of range or two values do not go together.
    """

    clock_mhz: float
    cas_latency: int = 3
    bank_bits: int = 2
    row_bits: int = 13
    column_bits: int = 9
    data_bytes: int = 2
    rcd: float
    rp: float
    ras: float
    rc: float
    rrd: float
    wr: float
    rfc: float
    mrd: float
    power_up: float = 200_000
    postponed: int = 4

    def __post_init__(self) -> None:
        for name, low, high in (
            ("cas_latency", 2, 3), ("bank_bits", 1, 2), ("row_bits", 11, 13),
            ("column_bits", 8, 10), ("data_bytes", 1, 4), ("postponed", 1, MOST_POSTPONED - 1),
        ):  # fmt: skip
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"{name} is {value}, but must be a whole number in {low}..{high}")
        if self.data_bytes == 3:
            raise ConfigError("data_bytes is 3, but must be a power of two")
        if not 1 <= self.clock_mhz <= _MOST_MHZ[self.cas_latency]:
            raise ConfigError(
                f"clock_mhz is {self.clock_mhz}, but with a CAS latency of {self.cas_latency} must "
                f"be in 1..{_MOST_MHZ[self.cas_latency]:g}"
            )
        if self.refresh_interval < 64:
            raise ConfigError(
                f"a clock of {self.clock_mhz} MHz leaves no time between refreshes: make it faster"
            )

    @property
    def word_bits(self) -> int:
        """Width of the number of a word in the chip."""
        return self.row_bits + self.bank_bits + self.column_bits

    @property
    def size(self) -> int:
        """Bytes of the chip."""
        return self.data_bytes << self.word_bits

    @property
    def cycles_rcd(self) -> int:
        """Activate to read or write."""
        return self._cycles(self.rcd)

    @property
    def cycles_rp(self) -> int:
        """Precharge to activate or refresh."""
        return self._cycles(self.rp)

    @property
    def cycles_ras(self) -> int:
        """Activate to precharge."""
        return self._cycles(self.ras)

    @property
    def cycles_rc(self) -> int:
        """Activate to activate or refresh, same bank."""
        return self._cycles(self.rc)

    @property
    def cycles_rrd(self) -> int:
        """Activate to activate, other bank."""
        return self._cycles(self.rrd)

    @property
    def cycles_wr(self) -> int:
        """Last data written to precharge; two at least, as ISSI's tDPL."""
        return self._cycles(self.wr, least=2)

    @property
    def cycles_rfc(self) -> int:
        """Refresh to activate or refresh."""
        return self._cycles(self.rfc)

    @property
    def cycles_mrd(self) -> int:
        """Mode register to any command; two at least, as several makers count it."""
        return self._cycles(self.mrd, least=2)

    @property
    def cycles_power_up(self) -> int:
        """Stable power to the first command."""
        return self._cycles(self.power_up)

    @property
    def refresh_interval(self) -> int:
        """Cycles after which another refresh is owed.

        So short that any 64 ms hold 8192 refreshes (`1 << row_bits`), however they are postponed.
        """
        return floor(self.retention / ((1 << self.row_bits) + self.postponed + 1))

    @property
    def retention(self) -> int:
        """Cycles in which all rows are refreshed."""
        return floor(RETENTION_NS * self.clock_mhz / 1000)

    @property
    def mode(self) -> int:
        """The mode register: bursts of `BURST`, in sequence, also of writes; the CAS latency."""
        return self.cas_latency << 4 | (BURST - 1).bit_length()

    def _cycles(self, nanoseconds: float, *, least: int = 1) -> int:
        # A time that is a whole number of cycles must not gain one by rounding of the quotient.
        return max(least, ceil(nanoseconds * self.clock_mhz / 1000 - 1e-6))


def _chip(fields: dict[str, Any]) -> SdramConfig:
    return SdramConfig(**fields)


def as4c16m16_6(clock_mhz: float, **changes) -> SdramConfig:
    """AS4C16M16SA-6 of Alliance Memory, table 16 of its datasheet, revision 3.0."""
    times: dict[str, Any] = {
        "rcd": 18,
        "rp": 18,
        "ras": 42,
        "rc": 60,
        "rrd": 12,
        "wr": 12,
        "rfc": 60,
        "mrd": 12,
    }
    return _chip({"clock_mhz": clock_mhz} | times | changes)


def as4c16m16_7(clock_mhz: float, **changes) -> SdramConfig:
    """AS4C16M16SA-7 of Alliance Memory, table 16 of its datasheet, revision 3.0."""
    times: dict[str, Any] = {
        "rcd": 21,
        "rp": 21,
        "ras": 42,
        "rc": 63,
        "rrd": 14,
        "wr": 14,
        "rfc": 63,
        "mrd": 14,
    }
    return _chip({"clock_mhz": clock_mhz} | times | changes)


def is42s16160_7(clock_mhz: float, **changes) -> SdramConfig:
    """IS42S16160G-7 of ISSI; tRRD, tWR and tRFC are not checked against its datasheet.

    No time is longer than in the AS4C16M16SA-7, whose numbers so fit both.
    """
    times: dict[str, Any] = {
        "rcd": 15,
        "rp": 15,
        "ras": 37,
        "rc": 60,
        "rrd": 14,
        "wr": 14,
        "rfc": 60,
        "mrd": 14,
    }
    return _chip({"clock_mhz": clock_mhz} | times | changes)


def ulx3s(clock_mhz: float, **changes) -> SdramConfig:
    """The chip of a ULX3S, which comes with several makers': times that all of grade -7 allow."""
    return as4c16m16_7(clock_mhz, **changes)


CHIPS = {
    "as4c16m16-6": as4c16m16_6,
    "as4c16m16-7": as4c16m16_7,
    "is42s16160-7": is42s16160_7,
    "ulx3s": ulx3s,
}
"""Chips by name, functions of the clock in MHz."""
