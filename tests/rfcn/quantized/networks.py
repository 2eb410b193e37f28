"""Small networks to quantize."""

import torch
from torch import nn
from torch.nn import functional


class Small(nn.Module):
    """Three convolutions with a batch-norm, a ReLU and a residual between them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.inner = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.last = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        x = functional.relu(self.norm(self.first(x)))
        return self.last(functional.relu(self.inner(x) + x))


def small(seed=0):
    torch.manual_seed(seed)
    return Small()


def batch(seed=0, count=2):
    return torch.randn(count, 3, 6, 7, generator=torch.Generator().manual_seed(seed))
