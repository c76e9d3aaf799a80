# SPDX-License-Identifier: Apache-2.0
"""The runner application of ``zephyr_template/``: built, started, fed with tensors, compared."""
