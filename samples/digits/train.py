# SPDX-License-Identifier: Apache-2.0
"""Make the digits sample: train, quantize, check, and write its files beside this script.

    python3.11 -m venv ~/digits-train
    ~/digits-train/bin/pip install -r requirements-train.txt
    ~/digits-train/bin/python train.py

It takes half a minute on one core. Two runs with the pinned packages on one machine write the
same bytes; another CPU may round the training differently and end at other weights. The files
here are of a run that printed

    4898 parameters
    top-1 accuracy on the 200 held-out images
      float, Keras                             99.5 %
      digits.tflite, tflite-micro              99.5 %
      digits.tflite, ai-edge-litert default    99.5 %
      digits.tflite, ai-edge-litert reference  99.5 %
      digits.onnx, onnxruntime                 99.5 %
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow")

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tensorflow.lite.tools import flatbuffer_utils
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tflite_micro import runtime as tflite_micro

HERE = Path(__file__).parent
INPUT, OUTPUT, CLASSES = "image", "scores", 10
SEED, TEST_SIZE, EPOCHS, BATCH, CALIBRATION = 1, 200, 60, 32, 400
OPSET, IR_VERSION = 13, 8

Array = npt.NDArray[Any]
Quantization = tuple[float, int]


@dataclass(frozen=True)
class Split:
    """Images are float32 (N, 8, 8, 1), from 0 (blank) to 1 (the data set's 16); labels int8."""

    images: Array
    labels: Array


def load() -> tuple[Split, Split]:
    """Return the training and the held-out images, every digit in the same share in both."""
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[..., np.newaxis]
    labels = digits.target.astype(np.int8)
    a, b, c, d = train_test_split(
        images, labels, test_size=TEST_SIZE, stratify=labels, random_state=0
    )
    return Split(a, c), Split(b, d)


def network(*, normalized: bool) -> keras.Model:
    """Return the network as it is trained, or with each normalization folded into a bias."""
    layers = keras.layers
    bias = not normalized
    convolutions = (
        layers.Conv2D(12, 3, padding="same", use_bias=bias, name="conv"),
        layers.DepthwiseConv2D(3, padding="same", use_bias=bias, name="depthwise"),
        layers.Conv2D(16, 1, use_bias=bias, name="pointwise"),
        layers.Conv2D(24, 3, strides=2, padding="same", use_bias=bias, name="strided"),
    )
    model = keras.Sequential([keras.Input((8, 8, 1), name=INPUT)], name="digits")
    for convolution in convolutions:
        model.add(convolution)
        if normalized:
            model.add(layers.BatchNormalization())
        model.add(layers.ReLU(name=f"{convolution.name}_relu"))
    model.add(layers.AveragePooling2D(2, name="pool"))
    model.add(layers.Flatten(name="flatten"))
    model.add(layers.Dense(CLASSES, name="dense"))
    model.add(layers.Softmax(name="softmax"))
    return model


def train(data: Split) -> keras.Model:
    """Train on one core and return the network with its normalizations folded.

    Smoothed labels keep the scores off 0 and 1, so that a wrong rounding shows in them.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(SEED)
    steps = EPOCHS * -(-len(data.images) // BATCH)
    model = network(normalized=True)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
    )
    targets = np.eye(CLASSES, dtype=np.float32)[data.labels]
    model.fit(data.images, targets, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return folded(model)


def folded(trained: keras.Model) -> keras.Model:
    model = network(normalized=False)
    weighted = [layer for layer in trained.layers if layer.weights]
    targets = [layer for layer in model.layers if layer.weights]
    for target in targets[:-1]:
        kernel = weighted.pop(0).get_weights()[0]
        norm = weighted.pop(0)
        gamma, beta, mean, variance = norm.get_weights()
        scale = gamma / np.sqrt(variance + norm.epsilon)
        # A depthwise kernel is (height, width, channel, 1), any other ends in the channel.
        by_channel = scale[:, np.newaxis] if kernel.shape[-1] == 1 else scale
        target.set_weights([kernel * by_channel, beta - mean * scale])
    targets[-1].set_weights(weighted.pop().get_weights())
    return model


def to_tflite(model: keras.Model, data: Split) -> bytes:
    """Return a full-integer model: int8 in, int8 out, convolution weights by channel.

    The weights of the fully connected layer stay by tensor: TVM's Relay front end takes no other.
    """
    spec = tf.TensorSpec((1, 8, 8, 1), tf.float32, name=INPUT)
    function = tf.function(lambda image: model(image, training=False), input_signature=[spec])
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[np.newaxis]] for x in data.images[:CALIBRATION])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return renamed(converter.convert())


def renamed(tflite: bytes) -> bytes:
    """Return the model with this sample's tensor names in place of the converter's."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(tflite))
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].name = INPUT.encode()
    graph.tensors[graph.outputs[0]].name = OUTPUT.encode()
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


class Calibration(CalibrationDataReader):
    """Hands images to ONNX Runtime one by one."""

    def __init__(self, images: Array) -> None:
        self._feeds: Iterator[dict[str, Array]] = ({INPUT: x[np.newaxis]} for x in nchw(images))

    def get_next(self) -> dict[str, Array] | None:
        return next(self._feeds, None)


def nchw(images: Array) -> Array:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def to_onnx(model: keras.Model, data: Split, path: Path) -> None:
    """Write the same float network as QDQ: float in and out, int8 between, weights by channel."""
    with TemporaryDirectory() as folder:
        plain, prepared = Path(folder, "plain.onnx"), Path(folder, "prepared.onnx")
        onnx.save(float_onnx(model), plain)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            path,
            Calibration(data.images[:CALIBRATION]),
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
        )
    quantized_model = onnx.load(path)
    # ONNX Runtime declares every operator set it knows; the model uses the first alone.
    del quantized_model.opset_import[1:]
    onnx.save(quantized_model, path)


def float_onnx(model: keras.Model) -> onnx.ModelProto:
    """Return the network as NCHW, laid out as PyTorch's exporter would."""
    conv, depthwise, pointwise, strided, dense = (
        [np.asarray(w) for w in layer.get_weights()] for layer in model.layers if layer.weights
    )
    weights: dict[str, Array] = {}
    nodes: list[onnx.NodeProto] = []
    x = INPUT

    def add(op: str, name: str, *constants: Array, **attributes: object) -> None:
        nonlocal x
        names = [f"{name}.{kind}" for kind, _ in zip(("weight", "bias"), constants, strict=False)]
        weights.update(zip(names, constants, strict=True))
        y = OUTPUT if op == "Softmax" else name
        nodes.append(helper.make_node(op, [x, *names], [y], name, **attributes))
        x = y

    oihw = (3, 2, 0, 1)
    same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    # TensorFlow's "same" padding of an even size at stride 2 is all at the end.
    halved = {"kernel_shape": [3, 3], "pads": [0, 0, 1, 1], "strides": [2, 2]}
    add("Conv", "conv", conv[0].transpose(oihw), conv[1], **same)
    add("Relu", "conv_relu")
    add("Conv", "depthwise", depthwise[0].transpose(2, 3, 0, 1), depthwise[1], group=12, **same)
    add("Relu", "depthwise_relu")
    add("Conv", "pointwise", pointwise[0].transpose(oihw), pointwise[1], kernel_shape=[1, 1])
    add("Relu", "pointwise_relu")
    add("Conv", "strided", strided[0].transpose(oihw), strided[1], **halved)
    add("Relu", "strided_relu")
    add("AveragePool", "pool", kernel_shape=[2, 2], strides=[2, 2])
    add("Flatten", "flatten")
    by_channel_first = dense[0].reshape(2, 2, 24, CLASSES).transpose(3, 2, 0, 1)
    add("Gemm", "dense", by_channel_first.reshape(CLASSES, -1), dense[1], transB=1)
    add("Softmax", "softmax", axis=1)
    return helper.make_model(
        helper.make_graph(
            nodes,
            "digits",
            [helper.make_tensor_value_info(INPUT, onnx.TensorProto.FLOAT, (1, 1, 8, 8))],
            [helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, (1, CLASSES))],
            [numpy_helper.from_array(np.ascontiguousarray(w), n) for n, w in weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )


def quantized(images: Array, quantization: Quantization) -> Array:
    scale, zero_point = quantization
    return np.clip(np.round(images / scale) + zero_point, -128, 127).astype(np.int8)


def run_litert(tflite: bytes, images: Array, resolver: OpResolverType) -> Array:
    interpreter = Interpreter(
        model_content=tflite, num_threads=1, experimental_op_resolver_type=resolver
    )
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]

    def run(image: Array) -> Array:
        interpreter.set_tensor(source, image)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(target))

    return each(run, images)


def run_tflite_micro(tflite: bytes, images: Array) -> Array:
    interpreter = tflite_micro.Interpreter.from_bytes(tflite)

    def run(image: Array) -> Array:
        interpreter.set_input(image, 0)
        interpreter.invoke()
        return np.array(interpreter.get_output(0))

    return each(run, images)


def run_onnx(path: Path, images: Array) -> Array:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return each(lambda image: session.run([OUTPUT], {INPUT: image})[0], nchw(images))


def each(run: Callable[[Array], Array], images: Array) -> Array:
    return np.concatenate([run(image[np.newaxis]) for image in images])


def input_quantization(tflite: bytes) -> Quantization:
    details = Interpreter(model_content=tflite).get_input_details()[0]
    scale, zero_point = details["quantization"]
    return float(scale), int(zero_point)


def save_npz(path: Path, **arrays: Array) -> None:
    """Write what ``np.savez_compressed`` would, without the time of day."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.save(data, array)
            member = zipfile.ZipInfo(f"{name}.npy")
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data.getvalue())


def report(labels: Array, outputs: dict[str, Array]) -> None:
    print(f"top-1 accuracy on the {len(labels)} held-out images")
    for name, scores in outputs.items():
        print(f"  {name:<39} {100 * np.mean(scores.argmax(1) == labels):5.1f} %")


def main() -> None:
    training, test = load()
    model = train(training)
    tflite = to_tflite(model, training)
    to_onnx(model, training, HERE / "digits.onnx")
    images = quantized(test.images, input_quantization(tflite))
    expected = run_tflite_micro(tflite, images)

    (HERE / "digits.tflite").write_bytes(tflite)
    save_npz(HERE / "input.npz", **{INPUT: images})
    save_npz(HERE / "labels.npz", labels=test.labels)
    save_npz(HERE / "expected.npz", **{OUTPUT: expected})

    print(f"{model.count_params()} parameters")
    resolvers = {"default": OpResolverType.AUTO, "reference": OpResolverType.BUILTIN_REF}
    report(
        test.labels,
        {
            "float, Keras": model.predict(test.images, verbose=0),
            "digits.tflite, tflite-micro": expected,
            **{
                f"digits.tflite, ai-edge-litert {name}": run_litert(tflite, images, resolver)
                for name, resolver in resolvers.items()
            },
            "digits.onnx, onnxruntime": run_onnx(HERE / "digits.onnx", test.images),
        },
    )


if __name__ == "__main__":
    main()
