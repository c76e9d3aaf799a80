# SPDX-License-Identifier: Apache-2.0
"""The integer program: what a quantized model computes, free of any framework's terms.

Values are integer tensors with their quantization: real = scale x (integer - zero point). Where
a model has float32 inputs or outputs, there are values without one before and behind that.
Activations are NHWC, weights of convolutions OHWI (I of one group), those of depthwise ones HWC and
those of fully connected layers OI, all of them int8 and symmetric.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from west_utvm.tensor import DTYPE_SIZES

Array: TypeAlias = NDArray[Any]
Rounding: TypeAlias = Literal["tflm", "litert", "ort"]
# The run-time whose integers each mode of rounding gives.
REFERENCES: dict[Rounding, str] = {
    "tflm": "TensorFlow Lite Micro",
    "litert": "LiteRT",
    "ort": "ONNX Runtime",
}
ROUNDINGS: tuple[Rounding, ...] = tuple(REFERENCES)
Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor. ``scales`` are float32 figures: one, or one a channel of a weight, or none where
    the model gives no quantization. ``data`` is there for constants."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...] = ()
    zero_point: int = 0
    data: Array | None = field(default=None, repr=False)

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.elements * DTYPE_SIZES[self.dtype]

    @property
    def scale(self) -> float:
        [scale] = self.scales
        return scale


@dataclass(frozen=True)
class Clamp:
    """The range of an operator's results: that of the dtype, narrowed by a fused activation."""

    low: int = -128
    high: int = 127


@dataclass(frozen=True)
class Convolution:
    """``padding`` is (top, left, bottom, right); those pixels hold the input's zero point."""

    strides: Pair
    padding: tuple[int, int, int, int]
    dilation: Pair
    clamp: Clamp


@dataclass(frozen=True)
class TransposedConvolution:
    """``padding`` is (top, left, bottom, right): what is cut off the output.

    ``computed_shape``: LiteRT gives to XNNPACK only those whose output has a shape that the file
    knows.
    """

    strides: Pair
    padding: tuple[int, int, int, int]
    clamp: Clamp
    computed_shape: bool = False


@dataclass(frozen=True)
class FullyConnected:
    clamp: Clamp


@dataclass(frozen=True)
class BatchMatmul:
    """Products of matrices, the last two axes of both inputs; ``adjoints``: which are transposed.
    A batch of one goes with each of the other input's."""

    adjoints: tuple[bool, bool]


@dataclass(frozen=True)
class Elementwise:
    """Two inputs, either broadcast to the output's shape.

    ``offset`` is what every value has less than in the model's file: 128 where that has uint8.
    It counts where a reference rounds on the way, as ONNX Runtime does.
    """

    clamp: Clamp
    offset: int = 0


@dataclass(frozen=True)
class Pooling:
    """Padded pixels take no part. ``offset`` as of :class:`Elementwise`."""

    window: Pair
    strides: Pair
    padding: tuple[int, int, int, int]
    clamp: Clamp
    offset: int = 0


@dataclass(frozen=True)
class Softmax:
    """Over the last axis."""

    beta: float


@dataclass(frozen=True)
class Unary:
    """A function of one element: ``requantize``, ``relu``, ``relu6``, ``leaky_relu``, ...

    ``clamp`` is for ``ort``; in the other modes the function's name says it. A ``table`` is given
    for the function of that name, the result for -128 first.
    """

    function: str
    alpha: float = 0.0
    clamp: Clamp = Clamp()
    table: tuple[int, ...] = ()


@dataclass(frozen=True)
class Conversion:
    """``quantize`` from float32 to int8, ``dequantize`` back."""

    clamp: Clamp = Clamp()


@dataclass(frozen=True)
class Loops:
    """Float operators fused into one loop nest. ``function`` is a PrimFunc of TVM whose
    parameters are the operator's inputs, constants last, then its output; ``label`` is what is
    fused, such as ``conv2d_add_relu``. ``sources`` are those operators of the model, with their
    names."""

    function: Any
    label: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Reshape:
    pass


@dataclass(frozen=True)
class Pad:
    """``before`` and ``after`` are elements an axis, filled with ``value``."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    value: int


@dataclass(frozen=True)
class Concatenation:
    axis: int


@dataclass(frozen=True)
class Transpose:
    """Axis i of the output is axis ``axes[i]`` of the input."""

    axes: tuple[int, ...]


@dataclass(frozen=True)
class StridedSlice:
    begin: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Resize:
    """Of an image: the row and column of the input for each of the output."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Gather:
    """For each axis of the input, seen as of this ``shape``, the places of it that the output
    consists of; None: all of them."""

    shape: tuple[int, ...]
    places: tuple[tuple[int, ...] | None, ...]


@dataclass(frozen=True)
class Bilinear:
    """Of an image. ``align_corners``: corner pixels lie on corner pixels; ``half_pixel_centers``:
    figures are of pixels' centers; neither: of their corners at the top left."""

    align_corners: bool
    half_pixel_centers: bool


@dataclass(frozen=True)
class Reduction:
    """``mean``, ``sum``, ``max`` or ``min`` over ``axes``."""

    function: str
    axes: tuple[int, ...]


@dataclass(frozen=True)
class Chain:
    """Operators on one image, each on what the one before gives, that take turns: what is between
    them is never there as a whole. A turn gives ``rows`` of a result, or fewer where these would
    not divide it evenly."""

    links: tuple[Operator, ...]
    rows: int


# Kinds of operators whose inputs are one activation, its weights and their bias.
WEIGHTED = ("conv2d", "conv2d_transpose", "depthwise_conv2d", "fully_connected", "grouped_conv2d")

Attributes: TypeAlias = (
    Convolution
    | TransposedConvolution
    | FullyConnected
    | BatchMatmul
    | Elementwise
    | Pooling
    | Softmax
    | Unary
    | Conversion
    | Loops
    | Reshape
    | Pad
    | Concatenation
    | Transpose
    | StridedSlice
    | Reduction
    | Gather
    | Resize
    | Bilinear
    | Chain
)


@dataclass(frozen=True, eq=False)
class Operator:
    """``kind`` names the kernel that computes it, ``name`` is the model's own for it, ``source``
    its place and operator there, such as ``operator 3 (CONV_2D)``. ``number`` is that place, or -1
    for one whose result is only a part of what the model's operator computes."""

    kind: str
    name: str
    source: str
    number: int
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    attributes: Attributes

    @property
    def where(self) -> str:
        return f"{self.source}, '{self.name}'"

    @property
    def label(self) -> str:
        """What it computes, in a word."""
        return self.attributes.label if isinstance(self.attributes, Loops) else self.kind


@dataclass(frozen=True, eq=False)
class Program:
    """``operators`` in an order that they can run in."""

    operators: tuple[Operator, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    rounding: Rounding

    def in_float(self) -> list[str]:
        """The model's operators that are computed in float32, each by its place and name."""
        computed = (operator.attributes for operator in self.operators)
        loops = [attributes for attributes in computed if isinstance(attributes, Loops)]
        return list(dict.fromkeys(source for one in loops for source in one.sources))

    def values(self) -> Iterator[Value]:
        """Inputs, then each operator's results: every value that is computed or given."""
        yield from self.inputs
        for operator in self.operators:
            yield from operator.outputs
