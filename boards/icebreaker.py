"""The iCEBreaker, whose iCE40 has no room for a system.

The queues of a system lie in RAM that is read within the cycle, of which an iCE40 has none, and
take more flip-flops than there are. It gets a cut-down array that tries itself, and beside it the
link with memory on the chip.
"""

from boards.board import Board
from params import ArrayConfig

CUT_DOWN = ArrayConfig(
    name="icebreaker", lanes=4, rows=1, depth=256, drain_width=1, mask_depth=64, code_depth=128
)

ICEBREAKER = Board(
    name="icebreaker",
    title="1BitSquared iCEBreaker, iCE40UP5K: 4 PEs that try themselves, a link to 128 KiB",
    definition=("icebreaker", "ICEBreakerPlatform"),
    flow="ice40",
    input_mhz=12,
    clock_mhz=12,
    system=None,
    self_test=CUT_DOWN,
    memory=1 << 17,
    single_port=True,
    baud=1_000_000,
    programmer=("-b", "ice40_generic"),
)
