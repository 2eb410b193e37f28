"""The options that choose a quantizer."""

from dataclasses import dataclass

import numpy as np

from golden.quantize import PARTIAL_SUMS, quantize
from golden.weights import PowerOfTwoWeights, TwoTermWeights


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """How weights are quantized; see `golden.quantize.quantize`. `levels` overrides `bits`."""

    bits: int
    levels: int | None = None
    method: str = "lbw"
    mu: float | None = None
    all_sums: bool = False
    per_channel: bool = False
    sparsity: float = 0.0
    terms: int = 1

    def apply(self, weights: np.ndarray) -> PowerOfTwoWeights | TwoTermWeights:
        """Quantize float weights."""
        return quantize(
            weights,
            bits=self.bits if self.levels is None else None,
            levels=self.levels,
            method=self.method,
            mu=self.mu,
            partial_sums=None if self.all_sums else PARTIAL_SUMS,
            per_channel=self.per_channel,
            sparsity=self.sparsity,
            terms=self.terms,
        )

    def report(self) -> dict:
        """What a report says of the quantizer."""
        return {
            "bits": self.bits if self.levels is None else None,
            "levels": self.levels,
            "method": self.method,
            "per_channel": self.per_channel,
            "sparsity": self.sparsity,
            "terms": self.terms,
        }
