"""R-FCN, the detector of the LBW-Net paper: the tables of its convolution layers."""

from rfcn.layers import NETWORKS, NamedLayer, NetworkError, find_layer, layer_table

__all__ = ["NETWORKS", "NamedLayer", "NetworkError", "find_layer", "layer_table"]
