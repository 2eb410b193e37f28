"""The arithmetic of power-of-two networks in NumPy: quantizers and exact integer layers."""

from golden.activations import ActivationError, ActivationFormat
from golden.convolution import Convolution, ExactnessError, convolve
from golden.layer import LayerError, QuantizedConv
from golden.pooling import max_pool
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
    "LayerError",
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
    "relative_error",
]
