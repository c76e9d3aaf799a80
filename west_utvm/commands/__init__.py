# SPDX-License-Identifier: Apache-2.0
"""The west commands: parsers, calls, printing."""
