# SPDX-License-Identifier: Apache-2.0
"""Model Library Format -> Zephyr module."""

from west_utvm.module.generated import GeneratedModule, read_module
from west_utvm.module.writer import Written, load_model, module_files, module_name, write_module

__all__ = [
    "GeneratedModule",
    "Written",
    "load_model",
    "module_files",
    "module_name",
    "read_module",
    "write_module",
]
