# SPDX-License-Identifier: Apache-2.0
"""Model Library Format archives, read and written: typed, versioned, without printing."""

from west_utvm.mlf.ports import Port
from west_utvm.mlf.reader import Model, read_archive
from west_utvm.mlf.writer import write_archive

__all__ = ["Model", "Port", "read_archive", "write_archive"]
