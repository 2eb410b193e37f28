"""Blended coarse gradient descent (Yin, Zhang, Lyu, Osher, Qi, Xin).

W <- (1 - rho) W + rho Q(W) - rate * gradient at Q(W): the step starts from a weighted average of
the float weights and their quantization.
"""

import torch
from torch import nn

from rfcn.quantized.weights import quantized_layers


def blend(model: nn.Module, rho: float) -> None:
    """Replace W by (1 - rho) W + rho Q(W) in every quantized layer that is trained.

    To be called between the backward pass and the optimizer's step.
    """
    with torch.no_grad():
        for _, quantizer, weights in quantized_layers(model):
            if weights.requires_grad:
                weights.lerp_(quantizer(weights), rho)
