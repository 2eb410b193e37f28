"""The arithmetic of power-of-two networks in NumPy: quantizers, integer layers, networks."""

from golden.activations import ActivationError, ActivationFormat
from golden.convolution import Convolution, ExactnessError, convolve
from golden.feature_map import FeatureMap
from golden.layer import LayerError, QuantizedConv
from golden.network import GraphError, IntegerNetwork, IntegerNode
from golden.network_files import read_network, write_network
from golden.network_records import NetworkFileError
from golden.pooling import MaxPool, max_pool
from golden.quantize import METHODS, QuantizationError, quantize, relative_error
from golden.requantize import Requantization, RequantizationError, fit_requantization
from golden.shape import ConvShape, ShapeError
from golden.weights import PowerOfTwoWeights, TwoTermWeights, WeightsError, integer_terms

__all__ = [
    "METHODS",
    "ActivationError",
    "ActivationFormat",
    "ConvShape",
    "Convolution",
    "ExactnessError",
    "FeatureMap",
    "GraphError",
    "IntegerNetwork",
    "IntegerNode",
    "LayerError",
    "MaxPool",
    "NetworkFileError",
    "PowerOfTwoWeights",
    "QuantizationError",
    "QuantizedConv",
    "Requantization",
    "RequantizationError",
    "ShapeError",
    "TwoTermWeights",
    "WeightsError",
    "convolve",
    "fit_requantization",
    "integer_terms",
    "max_pool",
    "quantize",
    "read_network",
    "relative_error",
    "write_network",
]
