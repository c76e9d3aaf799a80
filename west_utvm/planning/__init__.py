# SPDX-License-Identifier: Apache-2.0
"""Where in one workspace each of a model's tensors lies."""

from west_utvm.planning.planner import ALIGNMENT, Interval, Overlap, Plan, plan

__all__ = ["ALIGNMENT", "Interval", "Overlap", "Plan", "plan"]
