# SPDX-License-Identifier: Apache-2.0
"""Tensor names in C."""

from __future__ import annotations

import re


def c_identifier(name: str) -> str:
    """TVM's SanitizeName (src/runtime/name_transforms.cc): other bytes of UTF-8 become _."""
    text = name.encode().decode("latin-1")
    return re.sub(r"[^A-Za-z0-9_]", "_", text)
