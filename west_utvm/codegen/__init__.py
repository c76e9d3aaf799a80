# SPDX-License-Identifier: Apache-2.0
"""Planned program -> C sources and header."""

from west_utvm.codegen.ports import CPort
from west_utvm.codegen.source import Source, Written, write_c

__all__ = ["CPort", "Source", "Written", "write_c"]
