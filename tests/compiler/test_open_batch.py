# SPDX-License-Identifier: Apache-2.0
"""What Keras and the converter write where the batch is open: shapes computed from shapes, 1-D
convolutions as 2-D ones, blocks of a dilated one in the batch, upsampling by TILE."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from west_utvm.errors import UtvmError

from .conftest import Build, Execute
from .host import check
from .reference import ROUNDINGS, Rounding, run, samples
from .tflite_graph import Code, Graph, Quant, Ref, schema
from .tflite_models import add_conv2d, add_fully_connected, add_reshape, add_transpose_conv
from .tflite_options import RELU, VALID

QUANT = Quant(0.05, 3)
# What tflite-micro takes the shapes of the file for, or has no operator for.
LITERT_ALONE = ("tile", "sequence", "blocks")


def add_shape(graph: Graph, source: Ref) -> Ref:
    shape = (len(source.shape),)
    return graph.op(Code.SHAPE, [source], shape, None, schema.ShapeOptionsT(outType=2), "int32")


def add_batch(graph: Graph, shape: Ref) -> Ref:
    """The first size of a shape."""
    options = schema.StridedSliceOptionsT(shrinkAxisMask=1)
    inputs = [shape, *(graph.integers([figure]) for figure in (0, 1, 1))]
    return graph.op(Code.STRIDED_SLICE, inputs, (), None, options, "int32")


def add_open_reshape(graph: Graph, source: Ref, shape: Sequence[int]) -> Ref:
    """To the source's batch by ``shape``."""
    batch = add_batch(graph, add_shape(graph, source))
    sizes = [graph.constant(np.array(size, np.int32)) for size in shape]
    options = schema.PackOptionsT(valuesCount=1 + len(shape), axis=0)
    wanted = graph.op(Code.PACK, [batch, *sizes], (1 + len(shape),), None, options, "int32")
    return graph.op(
        Code.RESHAPE, [source, wanted], (1, *shape), source.quant, schema.ReshapeOptionsT()
    )


def flatten(graph: Graph) -> bytes:
    maps = add_conv2d(graph, graph.input((1, 5, 4, 3), QUANT), 6, activation=RELU)
    return graph.finish(add_fully_connected(graph, add_open_reshape(graph, maps, (120,)), 7))


def add_expand_dims(graph: Graph, source: Ref, axis: int) -> Ref:
    shape = list(source.shape)
    shape.insert(axis % (len(shape) + 1), 1)
    place = graph.constant(np.array(axis, np.int32))
    options = schema.ExpandDimsOptionsT()
    return graph.op(Code.EXPAND_DIMS, [source, place], shape, source.quant, options)


def conv1d(graph: Graph) -> bytes:
    row = add_expand_dims(graph, graph.input((1, 20, 5), QUANT), -3)
    maps = add_conv2d(graph, row, 8, (1, 3), padding=VALID, activation=RELU)
    return graph.finish(add_reshape(graph, maps, (1, 18, 8), (-1, 18, 8)))


def tile(graph: Graph) -> bytes:
    """Upsampling of rows, then of columns."""
    image = graph.input((1, 3, 4, 5), QUANT)
    for axis in (2, 3):
        shape = list(image.shape)
        wide = add_expand_dims(graph, image, axis)
        tiled, counts = list(wide.shape), [1] * 5
        tiled[axis], counts[axis] = 2, 2
        inputs = [wide, graph.integers(counts)]
        both = graph.op(Code.TILE, inputs, tiled, QUANT, schema.TileOptionsT())
        shape[axis - 1] *= 2
        image = add_open_reshape(graph, both, shape[1:])
    return graph.finish(add_conv2d(graph, image, 4))


def sequence(graph: Graph) -> bytes:
    """A fully connected layer of each step; the file says (1, 1) of what hangs on the batch."""
    source = graph.input((1, 6, 5), QUANT)
    shape = add_shape(graph, source)
    options = schema.GatherOptionsT()
    steps = graph.op(Code.GATHER, [shape, graph.integers([0, 1])], (2,), None, options, "int32")
    axes = graph.integers([0])
    product = schema.ReducerOptionsT(keepDims=False)
    rows = graph.op(Code.REDUCE_PROD, [steps, axes], (), None, product, "int32")
    packed = schema.PackOptionsT(valuesCount=2, axis=0)
    five = graph.constant(np.array(5, np.int32))
    flat = graph.op(Code.PACK, [rows, five], (2,), None, packed, "int32")
    joined = schema.ConcatenationOptionsT(axis=0)
    whole = graph.op(Code.CONCATENATION, [steps, graph.integers([7])], (3,), None, joined, "int32")
    rows2d = graph.op(Code.RESHAPE, [source, flat], (1, 1), QUANT, schema.ReshapeOptionsT())
    matrix = Ref(rows2d.index, (1, 5), QUANT)
    dense = add_fully_connected(graph, matrix, 7, bias=False)
    return graph.finish(
        graph.op(Code.RESHAPE, [dense, whole], (1, 6, 7), dense.quant, schema.ReshapeOptionsT())
    )


def blocks(
    graph: Graph,
    batch: int = 1,
    size: tuple[int, int] = (5, 7),
    padding: Sequence[Sequence[int]] = ((1, 2), (2, 3)),
) -> bytes:
    """A dilated convolution: blocks to the batch, which the file leaves at 1, and back."""
    source = graph.input((1, *size, 4), QUANT)
    parts = [graph.integers([2, 3]), graph.integers(padding)]
    options = schema.SpaceToBatchNDOptionsT()
    small = graph.op(Code.SPACE_TO_BATCH_ND, [source, *parts], (batch, 4, 4, 4), QUANT, options)
    maps = add_conv2d(graph, small, 6, (2, 2), padding=VALID, activation=RELU)
    back = [maps, parts[0], graph.integers([[0, 1], [1, 0]])]
    batches = schema.BatchToSpaceNDOptionsT()
    return graph.finish(graph.op(Code.BATCH_TO_SPACE_ND, back, (1, 5, 8, 6), maps.quant, batches))


def fixed_blocks(graph: Graph) -> bytes:
    """Without borders, which tflite-micro fills with 0 and LiteRT with the zero point."""
    return blocks(graph, 6, (8, 12), ((0, 0), (0, 0)))


def transpose_conv(graph: Graph) -> bytes:
    """LiteRT rounds otherwise where the shape of the result is computed."""
    source = graph.input((1, 5, 4, 6), QUANT)
    batch = add_batch(graph, add_shape(graph, source))
    fixed = add_transpose_conv(graph, source, 9, (10, 8))
    sizes = [graph.constant(np.array(size, np.int32)) for size in (10, 8, 9)]
    options = schema.PackOptionsT(valuesCount=4, axis=0)
    shape = graph.op(Code.PACK, [batch, *sizes], (4,), None, options, "int32")
    operators = graph.operators
    operators[-2].inputs[0], operators[-1], operators[-2] = (
        shape.index,
        operators[-2],
        operators[-1],
    )
    return graph.finish(fixed)


MODELS: dict[str, Callable[[Graph], bytes]] = {
    model.__name__: model
    for model in (flatten, conv1d, tile, sequence, blocks, fixed_blocks, transpose_conv)
}


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("name", MODELS)
def test_bit_exact(name: str, rounding: Rounding, execute: Execute) -> None:
    model = MODELS[name](Graph(seed=4))
    inputs = samples(model, 4)
    if rounding == "tflm" and name in LITERT_ALONE:
        pytest.skip("tflite-micro does not run it")
    for got, want in zip(
        execute(model, inputs, rounding), run(model, inputs, rounding), strict=True
    ):
        check(got.outputs, want.outputs)


@pytest.mark.parametrize("name", MODELS)
def test_in_integers(name: str, build: Build, tmp_path: object) -> None:
    """Nothing of it is left to float32."""
    from west_utvm.compiler import compile_model

    build(MODELS[name](Graph(seed=4)))
    [path] = tmp_path.glob("*.tflite")  # type: ignore[attr-defined]
    assert not compile_model(path, name="net").program.in_float()


def test_a_shape_that_is_wanted_as_data_is_refused(build: Build) -> None:
    graph = Graph()
    shape = add_shape(graph, graph.input((1, 4), QUANT))
    with pytest.raises(UtvmError):
        build(graph.finish(shape))
