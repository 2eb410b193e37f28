"""What the parts of the SDRAM controller hand to each other, and the chip's pins."""

from amaranth.lib import data, wiring
from amaranth.lib.enum import Enum
from amaranth.lib.wiring import In, Out

from params.sdram import SdramConfig

ADDRESS_PINS = 13

LENGTH_BITS = 8
"""Width of the number of beats less one, AxLEN of AXI4."""

ALL_BANKS = 1 << 10
"""Address of a precharge of all banks: A10."""


class Command(Enum, shape=3):
    """RAS#, CAS# and WE#, from the highest bit on (JEDEC JESD21-C, 3.11.5)."""

    MODE = 0b000
    REFRESH = 0b001
    PRECHARGE = 0b010
    ACTIVATE = 0b011
    WRITE = 0b100
    READ = 0b101
    NOTHING = 0b111


def sdram_pins(config: SdramConfig) -> wiring.Signature:
    """The pins, seen from the controller; `dq` in two directions, driven where `dq_oe` is up."""
    return wiring.Signature(
        {
            "cke": Out(1),
            "cs_n": Out(1),
            "ras_n": Out(1),
            "cas_n": Out(1),
            "we_n": Out(1),
            "ba": Out(config.bank_bits),
            "a": Out(ADDRESS_PINS),
            "dqm": Out(config.data_bytes),
            "dq_o": Out(8 * config.data_bytes),
            "dq_oe": Out(1),
            "dq_i": In(8 * config.data_bytes),
        }
    )


def burst(config: SdramConfig, id_bits: int) -> data.StructLayout:
    """`length` + 1 beats from `word` on."""
    return data.StructLayout({"word": config.word_bits, "length": LENGTH_BITS, "id": id_bits})


def stretch(config: SdramConfig, id_bits: int) -> data.StructLayout:
    """`length` + 1 beats of a burst within a row; `last` with the burst's last."""
    return data.StructLayout(
        {
            "column": config.column_bits,
            "bank": config.bank_bits,
            "row": config.row_bits,
            "length": LENGTH_BITS,
            "id": id_bits,
            "last": 1,
            "write": 1,
        }
    )
