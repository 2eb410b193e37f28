"""A network small enough to be compared in a moment."""

from golden.shape import ConvShape
from rfcn.layers import NamedLayer, layer_table

SHAPES = {
    "conv1": ConvShape(cin=3, cout=8, kernel=3, padding=1, height=12, width=18),
    "res2a_branch2a": ConvShape(cin=8, cout=6, kernel=1, stride=2, height=12, width=18),
    "rpn_conv/3x3": ConvShape(cin=6, cout=5, kernel=3, padding=1, height=6, width=9),
}


def small_table(net: str, height: int = 600, width: int = 800) -> tuple[NamedLayer, ...]:
    """Three layers in place of a network's; the name and the image are checked as usual."""
    layer_table(net, height, width)
    return tuple(
        NamedLayer(
            name=name,
            shape=shape,
            stage=name[:4],
            source="data",
            residual=None,
            bias=False,
            batch_norm=False,
            relu=True,
        )
        for name, shape in SHAPES.items()
    )
