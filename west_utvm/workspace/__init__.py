# SPDX-License-Identifier: Apache-2.0
"""West and Zephyr as they are found: workspaces, boards, build folders."""
