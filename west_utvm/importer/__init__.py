# SPDX-License-Identifier: Apache-2.0
"""Model files -> Relax, by TVM's own front ends; a file a format."""

from west_utvm.importer.model import Imported, Origin, TensorInfo

__all__ = ["Imported", "Origin", "TensorInfo"]
