"""The iCEBreaker, whose iCE40 has no room for a system: it is a link to memory on the chip.

The queues of a system lie in RAM that is read within the cycle, of which an iCE40 has none, and
take more flip-flops than there are.
"""

from boards.board import Board

ICEBREAKER = Board(
    name="icebreaker",
    title="1BitSquared iCEBreaker, iCE40UP5K: a link to 128 KiB on the chip, without a system",
    definition=("icebreaker", "ICEBreakerPlatform"),
    flow="ice40",
    input_mhz=12,
    clock_mhz=12,
    system=None,
    memory=1 << 17,
    single_port=True,
    baud=1_000_000,
    programmer=("-b", "ice40_generic"),
)
