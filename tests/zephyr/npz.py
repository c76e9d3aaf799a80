# SPDX-License-Identifier: Apache-2.0
"""Samples of a model as the npz files that utvm-run takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.compiler.tflite_graph import Array


def save_columns(path: Path, names: Sequence[str], samples: Sequence[Sequence[Array]]) -> None:
    """``samples`` are the arrays of each sample, in the order of ``names``."""
    columns = zip(*samples, strict=True)
    arrays = {name: np.concatenate(rows) for name, rows in zip(names, columns, strict=True)}
    np.savez(path, allow_pickle=False, **arrays)
