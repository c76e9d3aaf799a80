# SPDX-License-Identifier: Apache-2.0
"""Instructions, flash and RAM of compiled models on emulated CPUs: ``python -m benchmarks``."""
