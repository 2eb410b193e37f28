"""Pruning in groups of weights that cost the array one step together.

Source of the idea: structured pruning by processing elements, with weight penalty clipping, ahead
of ternarization (among the papers in the references). In the array a row steps through the union
of the nonzero positions of its F filters: only a position that is zero in all of them is free. A
group is therefore F filters at one position, or at several input channels of one kernel position.

The penalty sum over groups of min(|W_g|, clip * mean |W_g|), norms per root of the group's size,
shrinks small groups and leaves large ones alone; the threshold adapts itself to the layer.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rfcn.quantized.settings import PruningSettings
from rfcn.quantized.weights import quantized_layers


def group_norms(weights: Tensor, filters: int, positions: int) -> Tensor:
    """Root mean square of each group of a convolution's weights.

    Parameters
    ----------
    weights : (cout, cin, kernel y, kernel x).
    filters, positions : output and input channels of a group; the last groups may be smaller.

    Returns
    -------
    (groups of cout, groups of cin, kernel y, kernel x).
    """
    return _grouped_norms(weights, filters, positions) / _sizes(weights, filters, positions).sqrt()


def group_mask(weights: Tensor, settings: PruningSettings) -> Tensor:
    """False at the weights of the `share` of groups with the smallest norms, else True.

    Equal norms are pruned in the order of the weights.
    """
    norms = group_norms(weights.detach(), settings.filters, settings.positions)
    pruned = int(settings.share * norms.numel())
    order = torch.argsort(norms.reshape(-1), stable=True)
    kept = torch.ones(norms.numel(), dtype=torch.bool, device=weights.device)
    kept[order[:pruned]] = False
    spread = kept.reshape(norms.shape)
    spread = spread.repeat_interleave(settings.filters, 0)[: weights.shape[0]]
    return spread.repeat_interleave(settings.positions, 1)[:, : weights.shape[1]].contiguous()


def penalty(model: nn.Module, settings: PruningSettings) -> Tensor:
    """The clipped penalty of all quantized layers, differentiable, of shape ()."""
    parts = []
    for _, _, weights in quantized_layers(model):
        if not weights.requires_grad:
            continue
        norms = group_norms(weights, settings.filters, settings.positions)
        limit = settings.clip * norms.detach().mean()
        parts.append(torch.minimum(norms, limit).sum())
    if not parts:
        return torch.zeros(())
    return settings.penalty * torch.stack(parts).sum()


def prune(model: nn.Module, settings: PruningSettings) -> None:
    """Choose the groups of every quantized layer and set their weights to zero for good."""
    for _, quantizer, weights in quantized_layers(model):
        quantizer.mask = group_mask(weights, settings)
    hold(model)


def hold(model: nn.Module) -> None:
    """Set pruned float weights to zero again, which momentum may have moved."""
    with torch.no_grad():
        for _, quantizer, weights in quantized_layers(model):
            if quantizer.mask is not None:
                weights.mul_(quantizer.mask.to(weights.device))


def _grouped_norms(weights: Tensor, filters: int, positions: int) -> Tensor:
    cout, cin, height, width = weights.shape
    padded = functional.pad(weights, (0, 0, 0, 0, 0, -cin % positions, 0, -cout % filters))
    groups = padded.reshape(
        padded.shape[0] // filters, filters, padded.shape[1] // positions, positions, height, width
    )
    # The norm of a group of zeros has gradient zero here.
    return torch.linalg.vector_norm(groups, dim=(1, 3))


def _sizes(weights: Tensor, filters: int, positions: int) -> Tensor:
    """Weights in each group, (groups of cout, groups of cin, 1, 1)."""

    def counts(total: int, size: int) -> Tensor:
        starts = torch.arange(0, total, size, device=weights.device)
        return (total - starts).clamp(max=size).to(weights.dtype)

    rows, columns = counts(weights.shape[0], filters), counts(weights.shape[1], positions)
    return (rows[:, None] * columns[None, :])[:, :, None, None]
