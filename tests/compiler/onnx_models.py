# SPDX-License-Identifier: Apache-2.0
"""Small quantized ONNX models, an operator each, with parameters as a quantizer would choose them.

Three forms of each: QDQ of int8, QDQ of uint8 (ONNX Runtime's default) and QLinear of int8. What
ONNX Runtime computes in integers, or in float in one fixed order, is bit-exact here. Where it
computes otherwise a result may be off by one, rarely; ``TOLERANT`` has these, as measured with
onnxruntime 1.32 on x86-64:

- QDQ of int8 (not uint8): Conv and MatMul, which it computes in float by default, as its integer
  kernels are best at uint8 on x86; exact with session.qdqisint8allowed, and chains then too;
- in any form: a Conv before a Relu or Clip that the quantize does not imply, ReduceMean, MatMul
  with an Add, operators on float constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np

from .onnx_graph import Net, Ref, as_qlinear
from .tflite_graph import Array

Build = Callable[[Net], bytes]
Pair = tuple[int, int]
# The standard deviation of int8 values that are uniformly random, and how many of their
# deviations real values reach.
SPREAD, REACH = 74.0, 2.5
FORMS = ("qdq", "uint8", "qlinear")
# (family, form): a result may be off by one.
TOLERANT = {
    ("conv", "qdq"),
    ("matmul", "qdq"),
    ("conv-relu", "qdq"),
    ("conv-relu", "uint8"),
    ("conv-relu", "qlinear"),
    ("reduce-mean", "qdq"),
    ("reduce-mean", "uint8"),
    ("torch", "qdq"),
    ("torch", "uint8"),
}
# What is exact if ONNX Runtime is told to use its integer kernels for int8 too.
EXACT_IN_INTEGERS = {("conv", "qdq"), ("matmul", "qdq"), ("chain", "qdq")}


@dataclass(frozen=True)
class Case:
    id: str
    family: str
    form: str
    net: Build

    def build(self) -> bytes:
        dtype = "uint8" if self.form == "uint8" else "int8"
        model = self.net(Net(crc32(self.id.rpartition("-")[0].encode()), dtype))
        return as_qlinear(model) if self.form == "qlinear" else model

    @property
    def tolerance(self) -> int:
        return int((self.family, self.form) in TOLERANT)

    @property
    def exact_in_integers(self) -> bool:
        return (self.family, self.form) in EXACT_IN_INTEGERS


def _range(net: Net, deviation: float) -> tuple[float, int]:
    return float(np.float32(2 * REACH * deviation / 255)), net.zero(-30, 30)


def _weights(
    net: Net, shape: Sequence[int], source: Ref, taps: int, axis: int, spread: float = 3.0
) -> tuple[Array, Array, Array]:
    """Weights, their scales and an int32 bias for outputs of a deviation of 3."""
    channels = shape[axis]
    typical = 3.0 / (source.scale * SPREAD * SPREAD * math.sqrt(taps))
    factors = np.exp(net.random.uniform(-math.log(spread), math.log(spread), channels))
    scales = (typical * factors).astype(np.float32) if spread > 1 else np.float32(typical)
    data = net.random.integers(-127, 128, shape).astype(np.int8)
    sums = np.float32(source.scale) * scales
    bias = net.random.normal(0, 1.5, channels) / sums
    return data, np.asarray(scales), bias.astype(np.int32)


def conv_op(
    net: Net,
    source: Ref,
    channels: int,
    kernel: Sequence[int] = (3, 3),
    groups: int = 1,
    bias: bool = True,
    relu: str = "",
    spread: float = 3.0,
    out: tuple[float, int] | None = None,
    **how: Any,
) -> Ref:
    depth = source.shape[1] // groups
    shape = (channels, depth, *kernel)
    data, scales, offsets = _weights(net, shape, source, depth * math.prod(kernel), 0, spread)
    inputs: list[Ref | str] = [source, net.weights(data, scales)]
    if bias:
        inputs.append(net.weights(offsets, np.float32(source.scale) * scales))
    rank = len(kernel)
    if "auto_pad" in how:
        strides = how.get("strides", [1] * rank)
        size = [-(-n // s) for n, s in zip(source.shape[2:], strides, strict=True)]
    else:
        size = [
            (
                source.shape[2 + i]
                + how.get("pads", [0] * 2 * rank)[i]
                + how.get("pads", [0] * 2 * rank)[rank + i]
                - (kernel[i] - 1) * how.get("dilations", [1] * rank)[i]
                - 1
            )
            // how.get("strides", [1] * rank)[i]
            + 1
            for i in range(rank)
        ]
    scale, zero = out or _range(net, 3.0)
    return net.op(
        "Conv",
        inputs,
        (source.shape[0], channels, *size),
        scale,
        zero,
        relu=relu,
        group=groups,
        kernel_shape=list(kernel),
        **how,
    )


def conv(net: Net, size: Sequence[int], depth: int, channels: int, **how: Any) -> bytes:
    return net.finish(conv_op(net, net.input((1, depth, *size)), channels, **how))


def conv_relu_folded(net: Net) -> bytes:
    """The quantizer has left the Relu out: the zero point says it all."""
    source = net.input((1, 8, 9, 7))
    return net.finish(conv_op(net, source, 16, out=(0.03, -128), relu="Relu"))


def gemm(net: Net, rows: int, features: int, channels: int, per_channel: bool, **how: Any) -> bytes:
    source = net.input((rows, features))
    turned = how.get("transB", 0)
    shape = (channels, features) if turned else (features, channels)
    axis = 0 if turned else 1
    spread = 3.0 if per_channel else 1.0
    data, scales, bias = _weights(net, shape, source, features, axis, spread)
    inputs: list[Ref | str] = [source, net.weights(data, scales, axis)]
    if how.pop("bias", True):
        inputs.append(net.weights(bias, np.float32(source.scale) * scales))
    return net.finish(net.op("Gemm", inputs, (rows, channels), *_range(net, 3.0), **how))


def matmul(net: Net, shape: Sequence[int], channels: int) -> bytes:
    source = net.input(shape)
    data, scales, _ = _weights(net, (shape[-1], channels), source, shape[-1], 1, 1.0)
    weights = net.weights(data, scales)
    return net.finish(
        net.op("MatMul", [source, weights], (*shape[:-1], channels), *_range(net, 3.0))
    )


def binary(net: Net, op: str, left: Sequence[int], right: Sequence[int], **how: Any) -> bytes:
    a, b = net.input(left, how.get("scale")), net.input(right, how.get("scale"))
    both = (SPREAD * a.scale, SPREAD * b.scale)
    deviation = math.prod(both) if op == "Mul" else math.hypot(*both)
    scale, zero = _range(net, deviation)
    if "out" in how:
        scale = how["out"]
    shape = np.broadcast_shapes(tuple(left), tuple(right))
    return net.finish(net.op(op, [a, b], shape, scale, zero, relu=how.get("relu", "")))


def with_constant(net: Net, op: str) -> bytes:
    source = net.input((1, 5, 6, 7))
    data = net.random.integers(-128, 128, (5, 1, 1))
    stored = (data - np.iinfo(np.int8).min + np.iinfo(net.dtype).min).astype(net.dtype)
    [real] = net.add("DequantizeLinear", [net.constant(stored), *net.parameters(0.05, 7)])
    scale, zero = _range(net, 3.0 if op == "Add" else 10.0)
    return net.finish(net.op(op, [source, real], source.shape, scale, zero))


def unary(
    net: Net, op: str, scale: float, zero: int, shape: Sequence[int] = (2, 3, 5), **how: Any
) -> bytes:
    source = net.input(shape, how.pop("source", 0.05))
    return net.finish(net.op(op, [source], shape, scale, zero, **how))


def clip(net: Net, low: float, high: float) -> bytes:
    source = net.input((1, 40), 0.05)
    bounds = [net.constant(np.float32(bound)) for bound in (low, high)]
    return net.finish(net.op("Clip", [source, *bounds], (1, 40), 0.03, net.zero()))


def pool(
    net: Net,
    op: str,
    size: Pair,
    depth: int,
    kernel: Pair,
    shape: Pair,
    same: bool = True,
    **how: Any,
) -> bytes:
    source = net.input((1, depth, *size))
    scale, zero = (source.scale, source.zero) if same else (source.scale / 1.7, net.zero())
    result = (1, depth, *shape)
    return net.finish(net.op(op, [source], result, scale, zero, kernel_shape=list(kernel), **how))


def global_pool(net: Net, op: str, shape: Sequence[int], **how: Any) -> bytes:
    source = net.input(shape)
    scale, zero = (source.scale, source.zero) if op == "GlobalMaxPool" else (source.scale / 4, 3)
    result = (shape[0], shape[1], *[1] * (len(shape) - 2))
    if not how.get("keepdims", 1):
        result = result[:2]
    return net.finish(net.op(op, [source], result, scale, zero, **how))


def moved(
    net: Net, op: str, before: Sequence[int], after: Sequence[int], *figures: Any, **how: Any
) -> bytes:
    """An operator that moves elements, between dequantize and quantize by the same parameters."""
    source = net.input(before)
    constants = [net.constant(np.asarray(item)) for item in figures]
    rescaled = how.pop("rescaled", 1.0)
    result = net.op(op, [source, *constants], after, source.scale * rescaled, source.zero, **how)
    return net.finish(result)


def moved_bare(net: Net, op: str, before: Sequence[int], after: Sequence[int], **how: Any) -> bytes:
    """The same with no dequantize around it."""
    source = net.input(before)
    [name] = net.add(op, [source.name], **how)
    moved_ref = Ref(name, tuple(after), source.scale, source.zero)
    return net.finish(net.op("Relu", [moved_ref], after, source.scale, source.zero))


def resize(net: Net, scales: Pair, size: Pair = (5, 6), **how: Any) -> bytes:
    source = net.input((1, 3, *size))
    factors = net.constant(np.array((1, 1, *scales), np.float32))
    after = (1, 3, *(int(n * s) for n, s in zip(size, scales, strict=True)))
    names = [net.real(source), "", factors]
    [result] = net.add("Resize", names, mode="nearest", **how)
    return net.finish(net.quantize(result, after, source.scale, source.zero))


def concat(net: Net, axis: int, same: bool) -> bytes:
    shapes = [[1, 3, 4, 5], [1, 3, 4, 5], [1, 3, 4, 5]]
    for i, shape in enumerate(shapes):
        shape[axis] = 2 + i
    first = net.input(shapes[0])
    rest = [
        net.input(s, first.scale if same else None, first.zero if same else None)
        for s in shapes[1:]
    ]
    result = list(shapes[0])
    result[axis] = sum(shape[axis] for shape in shapes)
    scale = first.scale if same else 0.06
    return net.finish(net.op("Concat", [first, *rest], result, scale, first.zero, axis=axis))


def split(net: Net) -> bytes:
    source = net.input((1, 7, 4, 3))
    sizes = net.constant(np.array([2, 5]))
    parts = net.add("Split", [net.real(source), sizes], 2, axis=1)
    refs = [
        net.quantize(part, (1, count, 4, 3), source.scale, source.zero)
        for part, count in zip(parts, (2, 5), strict=True)
    ]
    return net.finish(*refs)


def softmax(net: Net, shape: Sequence[int], axis: int = -1, source: float = 0.08) -> bytes:
    ref = net.input(shape, source)
    return net.finish(net.op("Softmax", [ref], shape, 1 / 255, -128, axis=axis))


def requantize(net: Net, scale: float, zero: int) -> bytes:
    source = net.input((1, 50))
    return net.finish(net.quantize(net.real(source), (1, 50), scale, zero))


def function(net: Net, what: str) -> bytes:
    """Activations as exporters write them, of several operators."""
    source = net.input((2, 5, 4, 3), 0.05)
    x = net.real(source)
    three, six = (net.constant(np.float32(figure)) for figure in (3, 6))
    half = net.constant(np.array([0.5], np.float32))
    if what == "silu":
        [y] = net.add("Mul", [x, net.add("Sigmoid", [x])[0]])
    elif what == "hard-swish":
        [gate] = net.add("Clip", [net.add("Add", [x, three])[0], net.constant(np.float32(0)), six])
        [y] = net.add("Div", [net.add("Mul", [x, gate])[0], six])
    elif what == "gelu":
        [scaled] = net.add("Mul", [x, net.constant(np.float32(math.sqrt(0.5)))])
        [more] = net.add("Add", [net.add("Erf", [scaled])[0], net.constant(np.float32(1))])
        [y] = net.add("Mul", [net.add("Mul", [x, more])[0], half])
    else:
        [y] = net.add(what, [x])
    return net.finish(net.quantize(y, source.shape, 0.03, -90))


def as_torch_exports(net: Net) -> bytes:
    """Weights are float and quantized by operators, the bias is float, a shape is computed, bounds
    and figures are operators, padding is one of its own."""
    source = net.input((1, 3, 9, 8))
    pads = net.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    [padded] = net.add("Pad", [net.real(source), pads])
    data, scales, bias = _weights(net, (8, 3, 3, 3), source, 27, 0)
    real = net.constant((data * scales.reshape(-1, 1, 1, 1)).astype(np.float32))
    figures = [net.constant(scales), net.constant(np.zeros(8, np.int8))]
    [stored] = net.add("QuantizeLinear", [real, *figures], axis=0)
    [weights] = net.add("DequantizeLinear", [stored, *figures], axis=0)
    offsets = net.constant((bias * scales * np.float32(source.scale)).astype(np.float32))
    [maps] = net.add("Conv", [padded, weights, offsets], strides=[2, 2])
    image = net.quantize(net.add("Relu", [maps])[0], (1, 8, 5, 4), 0.03, -128)
    [shape] = net.add("Shape", [net.real(image)])
    [batch] = net.add("Gather", [shape, net.constant(np.array(0))], axis=0)
    [first] = net.add("Unsqueeze", [batch, net.constant(np.array([0]))])
    [wanted] = net.add("Concat", [first, net.constant(np.array([-1]))], axis=0)
    [flat] = net.add("Reshape", [net.real(image), wanted])
    rows = net.quantize(flat, (1, 160), image.scale, image.zero)
    data, scales, bias = _weights(net, (160, 6), rows, 160, 1, 1.0)
    [product] = net.add("MatMul", [net.real(rows), net.weights(data, scales)])
    summand = net.constant((bias * scales * np.float32(rows.scale)).astype(np.float32))
    [logits] = net.add("Add", [product, summand])
    return net.finish(net.quantize(logits, (1, 6), *_range(net, 3.0)))


def flatten_gemm(net: Net) -> bytes:
    """The order of the weights' columns is another in NHWC."""
    source = net.input((1, 3, 8, 6))
    image = conv_op(net, source, 5, pads=[1, 1, 1, 1])
    [flat] = net.add("Flatten", [net.real(image)])
    rows = net.quantize(flat, (1, 240), image.scale, image.zero)
    data, scales, bias = _weights(net, (10, 240), rows, 240, 0)
    inputs: list[Ref | str] = [rows, net.weights(data, scales)]
    inputs.append(net.weights(bias, np.float32(rows.scale) * scales))
    return net.finish(net.op("Gemm", inputs, (1, 10), *_range(net, 3.0), transB=1))


def residual(net: Net) -> bytes:
    """As resnet has it: one dequantize for two readers, an addition, a global pooling, a Gemm."""
    same = [1, 1, 1, 1]
    stem = conv_op(net, net.input((1, 3, 16, 16)), 16, pads=same, relu="Relu", out=(0.03, -128))
    value = stem
    for stride, channels in ((1, 16), (2, 24)):
        first = conv_op(
            net, value, channels, pads=same, strides=[stride] * 2, relu="Relu", out=(0.03, -128)
        )
        second = conv_op(net, first, channels, pads=same)
        short = value
        if stride > 1:
            short = conv_op(net, value, channels, (1, 1), strides=[stride] * 2)
        value = net.op("Add", [second, short], second.shape, 0.035, -128, relu="Relu")
    pooled = net.op("GlobalAveragePool", [value], (*value.shape[:2], 1, 1), 0.02, -128)
    [flat] = net.add("Flatten", [net.real(pooled)])
    rows = net.quantize(flat, value.shape[:2], pooled.scale, pooled.zero)
    data, scales, bias = _weights(net, (10, 24), rows, 24, 0)
    inputs: list[Ref | str] = [rows, net.weights(data, scales)]
    inputs.append(net.weights(bias, np.float32(rows.scale) * scales))
    logits = net.op("Gemm", inputs, (1, 10), *_range(net, 3.0), transB=1)
    return net.finish(net.op("Softmax", [logits], (1, 10), 1 / 255, -128, axis=1))


_SAME: dict[str, Any] = {"pads": [1, 1, 1, 1]}
_NETS: list[tuple[str, str, Build]] = [
    *(
        (f"conv-3x3-{a}to{b}", "conv", partial(conv, size=(7, 6), depth=a, channels=b, **_SAME))
        for a, b in ((1, 5), (3, 8), (5, 17), (8, 64), (17, 1), (64, 3))
    ),
    ("conv-1x1", "conv", partial(conv, size=(5, 6), depth=17, channels=8, kernel=(1, 1))),
    ("conv-s2", "conv", partial(conv, size=(9, 8), depth=3, channels=8, strides=[2, 2], **_SAME)),
    (
        "conv-s2-s1-lopsided",
        "conv",
        partial(conv, size=(9, 8), depth=5, channels=4, strides=[2, 1], pads=[0, 2, 1, 0]),
    ),
    (
        "conv-dilated",
        "conv",
        partial(conv, size=(12, 11), depth=4, channels=5, dilations=[2, 3], pads=[2, 3, 2, 3]),
    ),
    (
        "conv-5x3-no-bias",
        "conv",
        partial(conv, size=(9, 9), depth=3, channels=5, kernel=(5, 3), bias=False),
    ),
    ("conv-one-scale", "conv", partial(conv, size=(6, 6), depth=8, channels=8, spread=1.0)),
    (
        "conv-same-upper",
        "conv",
        partial(conv, size=(9, 8), depth=3, channels=8, strides=[2, 2], auto_pad="SAME_UPPER"),
    ),
    (
        "conv-same-lower",
        "conv",
        partial(conv, size=(9, 8), depth=3, channels=8, strides=[2, 2], auto_pad="SAME_LOWER"),
    ),
    ("conv-2-groups", "conv", partial(conv, size=(6, 5), depth=8, channels=6, groups=2, **_SAME)),
    *(
        (
            f"conv-{groups}-groups-{name}",
            "conv",
            partial(conv, size=(7, 6), depth=depth, channels=channels, groups=groups, **how),
        )
        for name, groups, depth, channels, how in (
            ("1x1", 4, 24, 24, {"kernel": (1, 1)}),
            ("1x1-s2", 2, 32, 12, {"kernel": (1, 1), "strides": [2, 2]}),
            ("8", 4, 32, 32, {"relu": "Relu", **_SAME}),
            ("s2", 8, 32, 24, {"strides": [2, 2], **_SAME}),
            ("d2", 2, 16, 10, {"dilations": [2, 2], "pads": [2, 2, 2, 2]}),
        )
    ),
    (
        "conv-1d",
        "conv",
        partial(conv, size=(20,), depth=5, channels=8, kernel=(3,), strides=[2], pads=[1, 1]),
    ),
    *(
        (
            f"depthwise-{c}-x{m}-s{s}",
            "conv",
            partial(conv, size=(9, 8), depth=c, channels=c * m, groups=c, strides=[s, s], **_SAME),
        )
        for c, m, s in ((3, 1, 1), (8, 1, 2), (17, 1, 1), (5, 2, 1), (64, 1, 2))
    ),
    ("conv-relu", "conv-relu", partial(conv, size=(7, 6), depth=5, channels=8, relu="Relu")),
    ("conv-relu6", "conv-relu", partial(conv, size=(7, 6), depth=5, channels=8, relu="Clip")),
    ("conv-relu-folded", "conv", conv_relu_folded),
    (
        "gemm-64to10",
        "gemm",
        partial(gemm, rows=1, features=64, channels=10, per_channel=True, transB=1),
    ),
    ("gemm-17to5-rows", "gemm", partial(gemm, rows=3, features=17, channels=5, per_channel=False)),
    (
        "gemm-no-bias",
        "gemm",
        partial(gemm, rows=1, features=8, channels=3, per_channel=False, bias=False),
    ),
    ("matmul-17to8", "matmul", partial(matmul, shape=(1, 17), channels=8)),
    ("matmul-rank-3", "matmul", partial(matmul, shape=(1, 5, 8), channels=3)),
    ("add-same", "add", partial(binary, op="Add", left=(1, 5, 6, 7), right=(1, 5, 6, 7))),
    (
        "add-ties",
        "add",
        partial(binary, op="Add", left=(1, 8, 6, 7), right=(1, 8, 6, 7), scale=0.05, out=0.1),
    ),
    ("add-channels", "add", partial(binary, op="Add", left=(1, 5, 6, 7), right=(1, 5, 1, 1))),
    (
        "add-relu",
        "add-relu",
        partial(binary, op="Add", left=(1, 5, 6, 7), right=(1, 5, 6, 7), relu="Relu"),
    ),
    ("add-constant", "add", partial(with_constant, op="Add")),
    ("sub", "sub", partial(binary, op="Sub", left=(1, 17, 4), right=(1, 17, 4))),
    ("mul-same", "mul", partial(binary, op="Mul", left=(1, 5, 6, 7), right=(1, 5, 6, 7))),
    ("mul-channels", "mul", partial(binary, op="Mul", left=(1, 5, 6, 7), right=(1, 5, 1, 1))),
    ("mul-constant", "mul", partial(with_constant, op="Mul")),
    (
        "average-pool-2x2",
        "pool",
        partial(
            pool,
            op="AveragePool",
            size=(8, 6),
            depth=5,
            kernel=(2, 2),
            shape=(4, 3),
            strides=[2, 2],
        ),
    ),
    (
        "average-pool-3x3-padded",
        "pool",
        partial(
            pool, op="AveragePool", size=(8, 6), depth=3, kernel=(3, 3), shape=(8, 6), pads=[1] * 4
        ),
    ),
    (
        "average-pool-counted",
        "pool",
        partial(
            pool,
            op="AveragePool",
            size=(8, 6),
            depth=3,
            kernel=(3, 3),
            shape=(8, 6),
            pads=[1] * 4,
            count_include_pad=1,
        ),
    ),
    (
        "average-pool-rescaled",
        "pool",
        partial(
            pool, op="AveragePool", size=(7, 7), depth=8, kernel=(7, 7), shape=(1, 1), same=False
        ),
    ),
    (
        "max-pool-2x2",
        "move",
        partial(
            pool, op="MaxPool", size=(8, 6), depth=5, kernel=(2, 2), shape=(4, 3), strides=[2, 2]
        ),
    ),
    (
        "max-pool-padded",
        "move",
        partial(
            pool,
            op="MaxPool",
            size=(9, 7),
            depth=17,
            kernel=(3, 3),
            shape=(5, 4),
            strides=[2, 2],
            pads=[1] * 4,
        ),
    ),
    (
        "max-pool-ceil",
        "move",
        partial(
            pool,
            op="MaxPool",
            size=(8, 7),
            depth=4,
            kernel=(3, 3),
            shape=(4, 3),
            strides=[2, 2],
            ceil_mode=1,
        ),
    ),
    (
        "max-pool-rescaled",
        "move",
        partial(pool, op="MaxPool", size=(8, 6), depth=5, kernel=(2, 2), shape=(7, 5), same=False),
    ),
    (
        "global-average-pool",
        "global-pool",
        partial(global_pool, op="GlobalAveragePool", shape=(1, 17, 7, 5)),
    ),
    ("global-max-pool", "move", partial(global_pool, op="GlobalMaxPool", shape=(1, 17, 7, 5))),
    (
        "reduce-mean",
        "reduce-mean",
        partial(global_pool, op="ReduceMean", shape=(1, 8, 6, 5), axes=[2, 3], keepdims=0),
    ),
    ("sigmoid", "unary", partial(unary, op="Sigmoid", scale=1 / 256, zero=-128)),
    ("sigmoid-odd", "unary", partial(unary, op="Sigmoid", scale=0.005, zero=-100)),
    ("tanh", "unary", partial(unary, op="Tanh", scale=1 / 128, zero=0)),
    ("relu", "unary", partial(unary, op="Relu", scale=0.03, zero=-128)),
    ("leaky-relu", "unary", partial(unary, op="LeakyRelu", scale=0.04, zero=-20, alpha=0.1)),
    ("hard-swish", "unary", partial(unary, op="HardSwish", scale=0.03, zero=-110)),
    ("clip-relu6", "unary", partial(clip, low=0.0, high=6.0)),
    ("clip-odd", "unary", partial(clip, low=-1.3, high=0.77)),
    ("requantize-finer", "unary", partial(requantize, scale=0.011, zero=3)),
    ("requantize-coarser", "unary", partial(requantize, scale=0.2, zero=-77)),
    ("softmax-10", "softmax", partial(softmax, shape=(4, 10))),
    ("softmax-64-steep", "softmax", partial(softmax, shape=(2, 64), source=0.3)),
    ("softmax-channels", "softmax", partial(softmax, shape=(1, 5, 4, 3), axis=1)),
    ("concat-channels", "concat", partial(concat, axis=1, same=True)),
    ("concat-rescaled", "concat", partial(concat, axis=1, same=False)),
    ("concat-width", "concat", partial(concat, axis=3, same=True)),
    ("reshape", "move", lambda net: moved(net, "Reshape", (1, 4, 6), (1, 24), [0, -1])),
    ("flatten", "move", lambda net: moved(net, "Flatten", (1, 4, 6, 2), (1, 48))),
    ("squeeze", "move", lambda net: moved(net, "Squeeze", (1, 4, 1, 6), (1, 4, 6), [2])),
    ("unsqueeze", "move", lambda net: moved(net, "Unsqueeze", (1, 4, 6), (1, 1, 4, 6), [1])),
    (
        "transpose",
        "move",
        lambda net: moved(net, "Transpose", (1, 4, 5, 6), (1, 6, 4, 5), perm=[0, 3, 1, 2]),
    ),
    (
        "transpose-rescaled",
        "move",
        lambda net: moved(
            net, "Transpose", (1, 4, 5, 6), (1, 5, 6, 4), perm=[0, 2, 3, 1], rescaled=1.3
        ),
    ),
    (
        "transpose-bare",
        "move",
        lambda net: moved_bare(net, "Transpose", (1, 4, 5, 6), (1, 5, 6, 4), perm=[0, 2, 3, 1]),
    ),
    (
        "slice",
        "move",
        lambda net: moved(
            net, "Slice", (1, 4, 5, 6), (1, 2, 5, 3), [1, 0], [3, 99], [1, 3], [1, 2]
        ),
    ),
    (
        "slice-negative",
        "move",
        lambda net: moved(net, "Slice", (1, 4, 5, 6), (1, 4, 5, 2), [-3], [-1], [3]),
    ),
    (
        "pad",
        "move",
        lambda net: moved(net, "Pad", (1, 4, 5, 6), (1, 5, 8, 6), [0, 1, 1, 0, 0, 0, 2, 0]),
    ),
    (
        "pad-value",
        "move",
        lambda net: moved(
            net, "Pad", (1, 4, 5, 6), (1, 4, 5, 9), [0, 0, 0, 1, 0, 0, 0, 2], np.float32(0.6)
        ),
    ),
    ("split", "move", split),
    ("resize-2x", "move", partial(resize, scales=(2, 2))),
    (
        "resize-asymmetric-floor",
        "move",
        partial(
            resize, scales=(2, 3), coordinate_transformation_mode="asymmetric", nearest_mode="floor"
        ),
    ),
    (
        "resize-corners",
        "move",
        partial(
            resize,
            scales=(2, 2),
            coordinate_transformation_mode="align_corners",
            nearest_mode="round_prefer_ceil",
        ),
    ),
    *(
        (f"function-{what.lower()}", "function", partial(function, what=what))
        for what in ("silu", "hard-swish", "gelu", "Elu", "HardSigmoid", "Softplus", "Sqrt")
    ),
    ("chain-flatten-gemm", "chain", flatten_gemm),
    ("torch", "torch", as_torch_exports),
    ("chain-residual", "chain", residual),
]


def cases() -> Iterator[Case]:
    for id_, family, net in _NETS:
        for form in FORMS:
            case = Case(f"{id_}-{form}", family, form, net)
            if form != "qlinear" or family not in _NO_QLINEAR:
                yield case


# What QLinear operators there are for these does not differ from QDQ.
_NO_QLINEAR = ("move", "sub", "reduce-mean", "conv-relu", "add-relu", "function", "torch")
