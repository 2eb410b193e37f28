"""Blended coarse gradient descent (Yin, Zhang, Lyu, Osher, Qi, Xin).

W <- (1 - rho) W + rho Q(W) - rate * gradient at Q(W): the step starts from a weighted average of
the float weights and their quantization.
"""

import torch
from torch import nn

from rfcn.quantized.weights import weight_quantizers


def blend(model: nn.Module, rho: float) -> None:
    """Replace W by (1 - rho) W + rho Q(W) in every quantized layer that is trained.

    To be called between the backward pass and the optimizer's step.
    """
    with torch.no_grad():
        for name, quantizer in weight_quantizers(model).items():
            weights = model.get_submodule(name)._parameters["weight"]
            if weights is not None and weights.requires_grad:
                weights.lerp_(quantizer(weights), rho)
