# SPDX-License-Identifier: Apache-2.0
"""Reading Model Library Format archives: typed, versioned, without printing."""

from west_utvm.mlf.ports import Port
from west_utvm.mlf.reader import Model, read_archive

__all__ = ["Model", "Port", "read_archive"]
