# SPDX-License-Identifier: Apache-2.0
"""What a compiled model was made from and by: enough to make it again, and nothing of the day."""

from __future__ import annotations

import hashlib
from importlib import metadata
from typing import Any

from west_utvm import __version__

# The package that reads a format, besides TVM.
_READERS = {"tflite": "tflite", "onnx": "onnx", "pt2": "torch"}


def provenance(data: bytes, file_format: str) -> dict[str, Any]:
    """For metadata.json; ``data`` is the whole file of the model, of one of ``_READERS``."""
    packages = ["apache-tvm", *([_READERS[file_format]] if file_format in _READERS else [])]
    return {
        "model": {
            "format": file_format,
            "sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
        },
        "versions": {"west-utvm": __version__, **{name: _version(name) for name in packages}},
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # it is there, but was not installed by pip
        return "unknown"
