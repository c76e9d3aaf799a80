# SPDX-License-Identifier: Apache-2.0
"""Tensors to a microcontroller and back: transports, and the client of the runner's protocol.

``zephyr_template/PROTOCOL.md`` is the protocol; ``zephyr_template/src`` the other side.
"""
