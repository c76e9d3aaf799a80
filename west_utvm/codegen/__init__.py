# SPDX-License-Identifier: Apache-2.0
"""Planned program -> C sources and header."""

from west_utvm.codegen.ports import CPort, c_ports
from west_utvm.codegen.source import Source, write_header, write_source

__all__ = ["CPort", "Source", "c_ports", "write_header", "write_source"]
