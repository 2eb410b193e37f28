"""A trained affine mapping in front of and behind the quantizer of a layer's weights.

Source of the idea: the integer networks with trained affine mapping functions for segmentation
of brain tumours (BraTS 2018) among the papers in the references. An offset behind the quantizer
would make every zero weight nonzero, and the array skips zeros; so it is in front alone, where it
moves the thresholds. The scale is on both sides, and a float: in the integer network it is a
factor of the requantization's multiplier.
"""

import math

import torch
from torch import Tensor, nn


class AffineMapping(nn.Module):
    """W -> a Q((W - b) / a), with a = 2^log_scale > 0 and b trained along with W.

    With gradients passed straight through Q, those of a and b are sum g (Q(v) - v) and -sum g,
    where v = (W - b) / a and g is the gradient at the mapped weights.

    Attributes
    ----------
    log_scale : float32 parameter of shape (), 0 at first.
    offset : float32 parameter of shape (), 0 at first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.offset = nn.Parameter(torch.zeros(()))

    def start(self, scale: float) -> None:
        """Set the scale, up to a power of two, which the quantizer finds itself."""
        with torch.no_grad():
            self.log_scale.fill_(math.log2(scale) - math.floor(math.log2(scale)))

    @property
    def scale(self) -> Tensor:
        """The scale a, positive, of shape ()."""
        return torch.exp2(self.log_scale)

    def before(self, weights: Tensor) -> Tensor:
        """What is to be quantized, (W - b) / a."""
        return (weights - self.offset) / self.scale
