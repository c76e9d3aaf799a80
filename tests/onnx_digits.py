# SPDX-License-Identifier: Apache-2.0
"""Samples for digits.onnx, and what ONNX Runtime makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support import DIGITS


def write_samples(folder: Path, count: int) -> tuple[Path, Path]:
    """Files of images, float32 NCHW, and of their scores by integer kernels: those are left to
    uint8 on x86 unless they are asked for."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pixels = np.load(DIGITS / "input.npz")["image"][:count].astype(np.float32) + 128
    images = (pixels / np.float32(255)).reshape(count, 1, 8, 8)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    session = onnxruntime.InferenceSession(DIGITS / "digits.onnx", options)
    scores = [session.run(None, {"image": image[np.newaxis]})[0] for image in images]
    inputs, wanted = folder / "images.npz", folder / "scores.npz"
    np.savez(inputs, image=images)
    np.savez(wanted, scores=np.concatenate(scores))
    return inputs, wanted
