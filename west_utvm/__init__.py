# SPDX-License-Identifier: Apache-2.0
"""TVM for Zephyr, as west commands: model to module, module to firmware, firmware to figures."""

__version__ = "0.1.0"
