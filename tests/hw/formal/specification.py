"""What a specification is: a block in free surroundings, with a view of its registers."""

import re

from amaranth.lib import wiring


class Specification(wiring.Component):
    """A component that contains the block under proof as its submodule `dut`.

    It leaves the block's inputs and the reset free and states properties with Assert, Assume and
    Cover. Inductive invariants tie the block's registers to a reference model: `probe` gives
    them, while the block itself knows nothing of its proof.

    Parameters
    ----------
    dut : the block.
    members : the inputs and outputs of the block.
    probes : what the prover connects to the registers of the block, as inputs by the name of the
        register, after that of its submodule and a dot; an array for the rows of a memory.
    """

    def __init__(self, dut: wiring.Component, members: dict, *, probes: dict | None = None):
        self.dut = dut
        self.probes = {path: "probe_" + re.sub(r"\W", "_", path) for path in probes or {}}
        """Port of each probe, by the path of its register."""
        super().__init__(
            members | {self.probes[path]: member for path, member in (probes or {}).items()}
        )

    def probe(self, path: str):
        """The register at `path`."""
        return getattr(self, self.probes[path])
