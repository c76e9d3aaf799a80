# SPDX-License-Identifier: Apache-2.0
"""What a compiled model was made from and by: enough to make it again, and nothing of the day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib import metadata
from typing import TYPE_CHECKING, Any

from west_utvm import __version__

if TYPE_CHECKING:
    from west_utvm.kernels import Options
    from west_utvm.planning.arrange import Arrangement, Gain

# The package that reads a format, besides TVM.
_READERS = {"tflite": "tflite", "onnx": "onnx", "pytorch": "torch"}


def provenance(
    data: bytes,
    file_format: str,
    options: Options,
    arrangement: Arrangement,
    gains: Iterable[Gain],
) -> dict[str, Any]:
    """For metadata.json; ``data`` is the whole file of the model, of one of ``_READERS``."""
    packages = ["apache-tvm", *([_READERS[file_format]] if file_format in _READERS else [])]
    return {
        "model": {
            "format": file_format,
            "sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
        },
        "versions": {"west-utvm": __version__, **{name: _version(name) for name in packages}},
        "options": {
            "feature": options.feature,
            "optimize": options.optimize,
            **({"io_in_workspace": "yes"} if arrangement.io_in_workspace else {}),
            **({"without": ",".join(sorted(arrangement.without))} if arrangement.without else {}),
        },
        "gains": [(gain.saving, gain.bytes) for gain in gains if gain.bytes],
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # it is there, but was not installed by pip
        return "unknown"
