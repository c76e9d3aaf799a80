# SPDX-License-Identifier: Apache-2.0
"""Small float32 TFLite models, an operator each, and a few of several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np

from .tflite_graph import Code, Graph, Ref, schema
from .tflite_models import Case
from .tflite_options import (
    NONE,
    RELU,
    RELU6,
    SAME,
    VALID,
    Pair,
    conv2d_options,
    depthwise_options,
    pool_options,
    transpose_conv_options,
    window,
)

FLOAT = "float32"


def source(graph: Graph, shape: Sequence[int]) -> Ref:
    return graph.input(shape, None, FLOAT)


def weights(graph: Graph, shape: Sequence[int], deviation: float = 0.3) -> Ref:
    return graph.constant(graph.random.normal(0, deviation, shape).astype(np.float32))


def operator(
    graph: Graph, code: int, inputs: Sequence[Ref | None], shape: Sequence[int], options: Any = None
) -> Ref:
    return graph.op(code, inputs, shape, None, options, FLOAT)


def add_conv2d(
    graph: Graph,
    data: Ref,
    channels: int,
    kernel: Pair = (3, 3),
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    padding: int = SAME,
    activation: int = NONE,
    groups: int = 1,
) -> Ref:
    rows, columns = window(data.shape, kernel, stride, dilation, padding)
    filters = weights(graph, (channels, *kernel, data.shape[3] // groups))
    options = conv2d_options(stride, padding, activation, dilation)
    shape = (data.shape[0], rows, columns, channels)
    inputs = [data, filters, weights(graph, (channels,))]
    return operator(graph, Code.CONV_2D, inputs, shape, options)


def add_depthwise(
    graph: Graph,
    data: Ref,
    multiplier: int = 1,
    kernel: Pair = (3, 3),
    stride: Pair = (1, 1),
    padding: int = SAME,
    activation: int = NONE,
) -> Ref:
    rows, columns = window(data.shape, kernel, stride, (1, 1), padding)
    channels = data.shape[3] * multiplier
    filters = weights(graph, (1, *kernel, channels))
    options = depthwise_options(multiplier, stride, padding, activation)
    shape = (data.shape[0], rows, columns, channels)
    inputs = [data, filters, weights(graph, (channels,))]
    return operator(graph, Code.DEPTHWISE_CONV_2D, inputs, shape, options)


def add_dense(
    graph: Graph, data: Ref, channels: int, activation: int = NONE, bias: bool = True
) -> Ref:
    options = schema.FullyConnectedOptionsT(
        fusedActivationFunction=activation, keepNumDims=len(data.shape) > 2
    )
    offsets = weights(graph, (channels,)) if bias else None
    inputs = [data, weights(graph, (channels, data.shape[-1])), offsets]
    return operator(graph, Code.FULLY_CONNECTED, inputs, (*data.shape[:-1], channels), options)


def add_pool(
    graph: Graph,
    data: Ref,
    code: int,
    kernel: Pair,
    stride: Pair,
    padding: int = VALID,
    activation: int = NONE,
) -> Ref:
    rows, columns = window(data.shape, kernel, stride, (1, 1), padding)
    options = pool_options(kernel, stride, padding, activation)
    return operator(graph, code, [data], (data.shape[0], rows, columns, data.shape[3]), options)


# Models, as in tflite_models.py.


def conv2d(graph: Graph, size: Pair, depth: int, channels: int, **how: Any) -> bytes:
    return graph.finish(add_conv2d(graph, source(graph, (1, *size, depth)), channels, **how))


def depthwise(graph: Graph, size: Pair, depth: int, **how: Any) -> bytes:
    return graph.finish(add_depthwise(graph, source(graph, (1, *size, depth)), **how))


def dense(graph: Graph, shape: Sequence[int], channels: int, **how: Any) -> bytes:
    return graph.finish(add_dense(graph, source(graph, shape), channels, **how))


def pool(graph: Graph, code: int, shape: Sequence[int], *how: Any) -> bytes:
    return graph.finish(add_pool(graph, source(graph, shape), code, *how))


def binary(
    graph: Graph, code: int, left: Sequence[int], right: Sequence[int], options: Any = None
) -> bytes:
    shape = np.broadcast_shapes(tuple(left), tuple(right))
    inputs = [source(graph, left), source(graph, right)]
    return graph.finish(operator(graph, code, inputs, shape, options))


def binary_constant(graph: Graph, code: int, shape: Sequence[int], options: Any) -> bytes:
    inputs = [source(graph, shape), weights(graph, shape[-1:])]
    return graph.finish(operator(graph, code, inputs, shape, options))


def unary(graph: Graph, code: int, shape: Sequence[int], options: Any = None) -> bytes:
    return graph.finish(operator(graph, code, [source(graph, shape)], shape, options))


def unary_of_exp(graph: Graph, code: int, shape: Sequence[int]) -> bytes:
    """Of positive figures."""
    positive = operator(graph, Code.EXP, [source(graph, shape)], shape)
    return graph.finish(operator(graph, code, [positive], shape))


def pow_of_exp(graph: Graph) -> bytes:
    shape = (1, 3, 4)
    positive = operator(graph, Code.EXP, [source(graph, shape)], shape)
    power = operator(graph, Code.TANH, [source(graph, shape)], shape)
    return graph.finish(operator(graph, Code.POW, [positive, power], shape))


def transpose_conv(graph: Graph) -> bytes:
    data = source(graph, (1, 4, 5, 3))
    shape = (1, 8, 10, 4)
    inputs = [graph.integers(shape), weights(graph, (4, 3, 3, 3)), data, weights(graph, (4,))]
    options = transpose_conv_options((2, 2), SAME)
    return graph.finish(operator(graph, Code.TRANSPOSE_CONV, inputs, shape, options))


def batch_matmul(graph: Graph, left: Sequence[int], right: Sequence[int]) -> bytes:
    inputs = [source(graph, left), source(graph, right)]
    shape = (*left[:-1], right[-1])
    options = schema.BatchMatMulOptionsT()
    return graph.finish(operator(graph, Code.BATCH_MATMUL, inputs, shape, options))


def pack(graph: Graph) -> bytes:
    inputs = [source(graph, (2, 3)), source(graph, (2, 3))]
    options = schema.PackOptionsT(valuesCount=2, axis=1)
    return graph.finish(operator(graph, Code.PACK, inputs, (2, 2, 3), options))


def unpack(graph: Graph) -> bytes:
    data = source(graph, (3, 4))
    rows = [graph.tensor((4,), None, FLOAT) for _ in range(3)]
    graph.add_operator(Code.UNPACK, [data], rows, schema.UnpackOptionsT(num=3, axis=0))
    return graph.finish(*rows)


def shaped(
    graph: Graph,
    code: int,
    shape: Sequence[int],
    result: Sequence[int],
    integers: Sequence[Any],
    options: Any = None,
) -> bytes:
    """An operator with an input of float32, others of constant integers."""
    inputs = [source(graph, shape), *(graph.constant(np.array(i, np.int32)) for i in integers)]
    return graph.finish(operator(graph, code, inputs, result, options))


def concatenation(graph: Graph, shapes: Sequence[Sequence[int]], axis: int) -> bytes:
    total = list(shapes[0])
    total[axis] = sum(shape[axis] for shape in shapes)
    inputs = [source(graph, shape) for shape in shapes]
    options = schema.ConcatenationOptionsT(axis=axis, fusedActivationFunction=NONE)
    return graph.finish(operator(graph, Code.CONCATENATION, inputs, total, options))


def split(graph: Graph) -> bytes:
    """Three parts, of which two are outputs and one goes on."""
    data = source(graph, (1, 3, 4, 6))
    parts = [graph.tensor((1, 3, 4, 2), None, FLOAT) for _ in range(3)]
    inputs = [graph.constant(np.array(3, np.int32)), data]
    graph.add_operator(Code.SPLIT, inputs, parts, schema.SplitOptionsT(numSplits=3))
    return graph.finish(parts[0], operator(graph, Code.TANH, [parts[1]], parts[1].shape), parts[2])


def chain_residual(graph: Graph) -> bytes:
    """A tensor with two readers, and operators that fuse into a convolution."""
    data = source(graph, (1, 6, 6, 8))
    first = add_conv2d(graph, data, 8, activation=RELU)
    second = add_conv2d(graph, first, 8)
    total = operator(graph, Code.ADD, [first, second], first.shape, schema.AddOptionsT())
    relu = operator(graph, Code.RELU, [total], total.shape)
    return graph.finish(operator(graph, Code.LOGISTIC, [relu], relu.shape))


def chain_classifier(graph: Graph) -> bytes:
    data = source(graph, (1, 9, 7, 3))
    maps = add_depthwise(graph, add_conv2d(graph, data, 8, stride=(2, 2)), activation=RELU6)
    pooled = add_pool(graph, maps, Code.AVERAGE_POOL_2D, (5, 4), (1, 1))
    shape = schema.ReshapeOptionsT(newShape=np.array([1, 8], np.int32))
    flat = operator(graph, Code.RESHAPE, [pooled, graph.integers((1, 8))], (1, 8), shape)
    scores = add_dense(graph, flat, 5)
    return graph.finish(
        operator(graph, Code.SOFTMAX, [scores], (1, 5), schema.SoftmaxOptionsT(beta=1.0))
    )


def chain_float16_weights(graph: Graph) -> bytes:
    """Weights in float16, as converters write them to halve a file."""

    def halved(shape: Sequence[int]) -> Ref:
        values = graph.random.normal(0, 0.3, shape).astype(np.float16)
        options = schema.DequantizeOptionsT()
        return operator(graph, Code.DEQUANTIZE, [graph.constant(values)], shape, options)

    data = source(graph, (1, 5, 5, 3))
    inputs = [data, halved((4, 3, 3, 3)), halved((4,))]
    how = conv2d_options(padding=SAME, activation=RELU)
    maps = operator(graph, Code.CONV_2D, inputs, (1, 5, 5, 4), how)
    means = schema.ReducerOptionsT(keepDims=False)
    flat = operator(graph, Code.MEAN, [maps, graph.integers([1, 2])], (1, 4), means)
    dense = schema.FullyConnectedOptionsT()
    inputs = [flat, halved((6, 4)), halved((6,))]
    return graph.finish(operator(graph, Code.FULLY_CONNECTED, inputs, (1, 6), dense))


def chain_two_outputs(graph: Graph) -> bytes:
    """An intermediate tensor is an output too, and so is another shape of it."""
    data = source(graph, (1, 4, 4, 5))
    first = add_conv2d(graph, data, 5)
    shape = schema.ReshapeOptionsT(newShape=np.array([16, 5], np.int32))
    second = operator(graph, Code.RESHAPE, [first, graph.integers((16, 5))], (16, 5), shape)
    third = operator(graph, Code.RELU, [second], (16, 5))
    return graph.finish(first, second, third)


def chain_moved_input(graph: Graph) -> bytes:
    """An output is nothing but the input in another shape."""
    data = source(graph, (1, 12))
    shape = schema.ReshapeOptionsT(newShape=np.array([3, 4], np.int32))
    return graph.finish(
        operator(graph, Code.RESHAPE, [data, graph.integers((3, 4))], (3, 4), shape)
    )


def _grid() -> Iterator[tuple[str, str, Callable[[Graph], bytes]]]:
    for name, how in {
        "3x3": {},
        "1x1": {"kernel": (1, 1)},
        "s2-same-odd": {"stride": (2, 2)},
        "s2-same-even": {"stride": (2, 2), "size": (8, 6)},
        "valid-5x4": {"kernel": (5, 4), "padding": VALID},
        "d2": {"dilation": (2, 2)},
        "relu": {"activation": RELU},
        "relu6": {"activation": RELU6},
        "one-channel": {"depth": 1, "channels": 1},
        "groups": {"depth": 6, "channels": 4, "groups": 2},
    }.items():
        given = {"size": (7, 7), "depth": 5, "channels": 6, **how}
        yield "conv_2d", name, partial(conv2d, **given)
    for name, how in {
        "c5": {},
        "c3-m2": {"depth": 3, "multiplier": 2},
        "s2-relu6": {"stride": (2, 2), "activation": RELU6},
        "valid-5x5": {"kernel": (5, 5), "padding": VALID},
    }.items():
        yield "depthwise_conv_2d", name, partial(depthwise, **{"size": (7, 7), "depth": 5, **how})
    yield "fully_connected", "17to5", partial(dense, shape=(1, 17), channels=5)
    yield "fully_connected", "relu", partial(dense, shape=(4, 8), channels=7, activation=RELU)
    yield "fully_connected", "3d", partial(dense, shape=(2, 3, 12), channels=7)
    yield "fully_connected", "no-bias", partial(dense, shape=(1, 640), channels=9, bias=False)
    for family, code, kind in (
        ("add", Code.ADD, schema.AddOptionsT),
        ("sub", Code.SUB, schema.SubOptionsT),
        ("mul", Code.MUL, schema.MulOptionsT),
    ):
        shape, fused = (1, 5, 4, 7), kind(fusedActivationFunction=RELU)
        yield family, "same", partial(binary, code=code, left=shape, right=shape, options=kind())
        yield family, "relu", partial(binary, code=code, left=shape, right=shape, options=fused)
        yield (
            family,
            "channels",
            partial(binary, code=code, left=(1, 1, 1, 7), right=shape, options=kind()),
        )
        yield family, "constant", partial(binary_constant, code=code, shape=shape, options=kind())
    for family, code in (
        ("average_pool_2d", Code.AVERAGE_POOL_2D),
        ("max_pool_2d", Code.MAX_POOL_2D),
    ):
        yield family, "2x2", _pool(code, (1, 8, 8, 5), (2, 2), (2, 2))
        yield family, "3x3-s2-same", _pool(code, (1, 7, 7, 8), (3, 3), (2, 2), SAME)
        yield family, "3x2-s1-same", _pool(code, (1, 5, 6, 3), (3, 2), (1, 1), SAME)
        yield family, "relu", _pool(code, (1, 6, 6, 4), (2, 3), (1, 1), VALID, RELU)
    image = (1, 6, 5, 3)
    for family, code, options in (
        ("relu", Code.RELU, None),
        ("relu6", Code.RELU6, None),
        ("leaky_relu", Code.LEAKY_RELU, schema.LeakyReluOptionsT(alpha=0.1)),
        ("logistic", Code.LOGISTIC, None),
        ("tanh", Code.TANH, None),
        ("hard_swish", Code.HARD_SWISH, None),
    ):
        yield family, "image", partial(unary, code=code, shape=image, options=options)
    for family, code, options in (
        ("abs", Code.ABS, None),
        ("ceil", Code.CEIL, None),
        ("cos", Code.COS, None),
        ("elu", Code.ELU, None),
        ("exp", Code.EXP, None),
        ("floor", Code.FLOOR, None),
        ("gelu", Code.GELU, schema.GeluOptionsT()),
        ("l2_normalization", Code.L2_NORMALIZATION, schema.L2NormOptionsT()),
        ("log_softmax", Code.LOG_SOFTMAX, None),
        ("neg", Code.NEG, None),
        ("round", Code.ROUND, None),
        ("sign", Code.SIGN, None),
        ("sin", Code.SIN, None),
        ("square", Code.SQUARE, None),
    ):
        yield family, "image", partial(unary, code=code, shape=image, options=options)
    for family, code in (("log", Code.LOG), ("sqrt", Code.SQRT), ("rsqrt", Code.RSQRT)):
        yield family, "of-exp", partial(unary_of_exp, code=code, shape=image)
    for family, code, options in (
        ("div", Code.DIV, schema.DivOptionsT(fusedActivationFunction=RELU6)),
        ("maximum", Code.MAXIMUM, schema.MaximumMinimumOptionsT()),
        ("minimum", Code.MINIMUM, schema.MaximumMinimumOptionsT()),
        ("squared_difference", Code.SQUARED_DIFFERENCE, None),
    ):
        given = {"code": code, "shape": image, "options": options}
        yield family, "constant", partial(binary_constant, **given)
    yield "prelu", "channels", partial(binary_constant, code=Code.PRELU, shape=image, options=None)
    yield "pow", "of-exp", pow_of_exp
    yield "transpose_conv", "s2-same", transpose_conv
    yield "batch_matmul", "two", partial(batch_matmul, left=(2, 3, 4), right=(2, 4, 5))
    for name, size in (("10", (1, 10)), ("rows", (7, 6)), ("4d", (1, 3, 4, 5))):
        options = schema.SoftmaxOptionsT(beta=1.0)
        yield "softmax", name, partial(unary, code=Code.SOFTMAX, shape=size, options=options)
    yield (
        "concatenation",
        "channels",
        partial(concatenation, shapes=((1, 3, 3, 4), (1, 3, 3, 1), (1, 3, 3, 7)), axis=3),
    )
    yield (
        "concatenation",
        "rows",
        partial(concatenation, shapes=((1, 2, 3, 4), (1, 5, 3, 4)), axis=1),
    )
    borders = [[0, 0], [1, 2], [0, 3], [0, 0]]
    yield "pad", "image", _shaped(Code.PAD, image, (1, 9, 8, 3), [borders], schema.PadOptionsT())
    yield (
        "transpose",
        "nchw",
        _shaped(Code.TRANSPOSE, image, (1, 3, 6, 5), [[0, 3, 1, 2]], schema.TransposeOptionsT()),
    )
    for name, axes, keep, result in (
        ("image", [1, 2], False, (1, 3)),
        ("channels", [3], True, (1, 6, 5, 1)),
    ):
        reducer = schema.ReducerOptionsT(keepDims=keep)
        yield "mean", name, _shaped(Code.MEAN, image, result, [axes], reducer)
        yield "sum", name, _shaped(Code.SUM, image, result, [axes], reducer)
    yield (
        "slice",
        "inner",
        _shaped(
            Code.SLICE, image, (1, 3, 2, 3), [[0, 1, 2, 0], [1, 3, 2, -1]], schema.SliceOptionsT()
        ),
    )
    yield (
        "strided_slice",
        "steps",
        _shaped(
            Code.STRIDED_SLICE,
            image,
            (1, 3, 2, 3),
            [[0, 1, 0, 0], [1, 6, 5, 3], [1, 2, 3, 1]],
            schema.StridedSliceOptionsT(),
        ),
    )
    yield (
        "resize_nearest_neighbor",
        "double",
        _shaped(
            Code.RESIZE_NEAREST_NEIGHBOR,
            image,
            (1, 12, 10, 3),
            [[12, 10]],
            schema.ResizeNearestNeighborOptionsT(),
        ),
    )
    for family, code, axis in (
        ("reduce_max", Code.REDUCE_MAX, 1),
        ("reduce_min", Code.REDUCE_MIN, 2),
        ("reduce_prod", Code.REDUCE_PROD, 3),
    ):
        reducer = schema.ReducerOptionsT(keepDims=True)
        kept = [1 if i == axis else dim for i, dim in enumerate(image)]
        yield family, "axis", _shaped(code, image, kept, [[axis]], reducer)
    larger = schema.ResizeBilinearOptionsT()
    for name, pair in (("double", (12, 10)), ("odd", (7, 3))):
        resize = _shaped(Code.RESIZE_BILINEAR, image, (1, *pair, 3), [list(pair)], larger)
        yield "resize_bilinear", name, resize
    mirrored = schema.MirrorPadOptionsT(mode=schema.MirrorPadMode.REFLECT)
    yield "mirror_pad", "image", _shaped(Code.MIRROR_PAD, image, (1, 9, 8, 3), [borders], mirrored)
    twice = schema.TileOptionsT()
    yield "tile", "twice", _shaped(Code.TILE, image, (1, 12, 5, 6), [[1, 2, 1, 2]], twice)
    yield "reverse_v2", "rows", _shaped(Code.REVERSE_V2, image, image, [[1]])
    few, many = (1, 8, 6, 2), (1, 4, 3, 8)
    blocks = schema.DepthToSpaceOptionsT(blockSize=2)
    yield "depth_to_space", "2", _shaped(Code.DEPTH_TO_SPACE, many, few, [], blocks)
    deep = schema.SpaceToDepthOptionsT(blockSize=2)
    yield "space_to_depth", "2", _shaped(Code.SPACE_TO_DEPTH, few, many, [], deep)
    yield "pack", "two", pack
    yield "unpack", "rows", unpack
    yield "split", "three", split
    for chain in (
        chain_float16_weights,
        chain_residual,
        chain_classifier,
        chain_two_outputs,
        chain_moved_input,
    ):
        yield "chain", chain.__name__.removeprefix("chain_").replace("_", "-"), chain


def _pool(*args: Any) -> Callable[[Graph], bytes]:
    code, shape, *how = args
    return lambda graph: pool(graph, code, shape, *how)


def _shaped(*args: Any) -> Callable[[Graph], bytes]:
    return lambda graph: shaped(graph, *args)


def _seeded(build: Callable[[Graph], bytes], seed: int) -> bytes:
    return build(Graph(seed))


def cases() -> list[Case]:
    """Seeded by their names: what a case is does not depend on the others."""
    found = []
    for family, name, build in _grid():
        id_ = f"{family}-{name}"
        found.append(Case(id_, family, partial(_seeded, build, crc32(id_.encode()))))
    return found
