# SPDX-License-Identifier: Apache-2.0
"""torch.export's .pt2: only PyTorch reads it, and we do not ask for that."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import numpy as np
import pytest

from west_utvm.errors import UtvmError

from .conftest import NAME
from .host import build_host
from .reference import Signature, Tensor

HAS_TORCH = importlib.util.find_spec("torch") is not None


def _archive(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive_format", "pt2")
    return path


@pytest.mark.skipif(HAS_TORCH, reason="PyTorch is installed: nothing to ask for")
def test_it_asks_for_pytorch(tmp_path: Path) -> None:
    from west_utvm.compiler import compile_model

    with pytest.raises(UtvmError, match="pip install torch") as refusal:
        compile_model(_archive(tmp_path / "model.pt2"), name=NAME)
    assert "model.pt2" in str(refusal.value)


@pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed")
def test_what_is_no_program(tmp_path: Path) -> None:
    from west_utvm.compiler import compile_model

    with pytest.raises(UtvmError, match=r"model\.pt2") as refusal:
        compile_model(_archive(tmp_path / "model.pt2"), name=NAME)
    assert len(str(refusal.value)) < 500


@pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed")
def test_as_pytorch_computes(tmp_path: Path) -> None:
    import torch

    from west_utvm.compiler import compile_model

    torch.manual_seed(3)
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1),
        torch.nn.BatchNorm2d(8),
        torch.nn.ReLU(),
        torch.nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8),
        torch.nn.Hardswish(),
        torch.nn.MaxPool2d(2),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 5),
        torch.nn.Softmax(1),
    ).eval()
    image = torch.randn(1, 3, 12, 10)
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(layers, (image,)), str(path))
    compiled = compile_model(path, name=NAME)
    kinds = [Tensor(0, "", shape, np.dtype(np.float32)) for shape in ((1, 3, 12, 10), (1, 5))]
    what = Signature(kinds[:1], kinds[1:], [], [])
    [got] = build_host(compiled.files, NAME, what, tmp_path / "build").run([[image.numpy()]])
    want = layers(image).detach().numpy()
    assert np.abs(got.outputs[0] - want).max() <= 1e-5
