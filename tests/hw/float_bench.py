"""cocotb bench of the floating-point harness: starts it and waits for its last record."""

import os

import cocotb
from cocotb.triggers import RisingEdge, with_timeout

from sim.streams import PERIOD_NS, start

STALLS = 1 << 13
"""A cycle in eight has no operands."""


@cocotb.test()
async def computes_all_records(dut):
    """Read and write as many records as the environment's FLOAT_RECORDS says."""
    records = int(os.environ["FLOAT_RECORDS"])
    dut.seed.value = cocotb.RANDOM_SEED & 0xFFFFFFFF
    dut.stalls.value = STALLS
    dut.records.value = records
    await start(dut)
    await with_timeout(RisingEdge(dut.finished), 2 * PERIOD_NS * (records + 1000), "ns")
    await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)
