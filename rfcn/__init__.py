"""R-FCN, the detector of the LBW-Net paper: its networks, their layers, and what detects."""

from rfcn.layers import NamedLayer, find_layer, layer_table
from rfcn.networks import NETWORKS, Network, NetworkError, find_network

__all__ = [
    "NETWORKS",
    "NamedLayer",
    "Network",
    "NetworkError",
    "find_layer",
    "find_network",
    "layer_table",
]
