# SPDX-License-Identifier: Apache-2.0
"""What every importer hands on: a Relax module and what Relax has no place for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TensorInfo:
    """A tensor as the model file has it: its own name, and its quantization, if any."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...] = ()
    zero_point: int = 0


@dataclass(frozen=True)
class Origin:
    """The operator of the model file that a Relax variable is the result of.

    ``number`` is its place in the file's order, ``source`` its place and name for messages, such
    as ``operator 3 (CONV_2D)``; ``options`` are those of its options that TVM's front end drops.
    """

    number: int
    source: str
    output: TensorInfo
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Imported:
    """``module`` has one function, ``main``, in dataflow form.

    ``origins`` are keyed by the names of Relax variables: each is the result of an operator of
    the model file, and what is computed between two of them is one operator's expansion.
    ``inputs`` are in the order of main's parameters. ``notes`` are what the user should know.
    """

    module: Any
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    origins: Mapping[str, Origin]
    notes: tuple[str, ...] = ()
