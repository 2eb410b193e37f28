"""The weight grid of incremental network quantization (INQ, Zhou et al., ICLR 2017)."""

from golden.quantize.exact import nearest
from golden.quantize.half_octaves import top_scale
from golden.quantize.rows import WeightRows
from golden.weights import PowerOfTwoWeights


def inq(rows: WeightRows, *, levels: int) -> PowerOfTwoWeights:
    """Round to the nearest level at s = floor(log2(4 max|W| / 3)), without any retraining."""
    return nearest(rows, top_scale(rows), levels)
