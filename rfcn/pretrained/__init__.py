"""A trained `rfcn-tiny` and its exports; README.md there tells how they were made."""

from pathlib import Path

FOLDER = Path(__file__).parent

FLOAT = FOLDER / "rfcn-tiny.pt"
"""The float network, as `zeroshift train` writes it."""

INTEGER = {bits: FOLDER / f"rfcn-tiny-{bits}.npz" for bits in (4, 6)}
"""By bits of a weight, the network retrained and exported to integers."""
