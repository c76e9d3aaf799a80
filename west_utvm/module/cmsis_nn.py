# SPDX-License-Identifier: Apache-2.0
"""Models that tvmc partitioned for CMSIS-NN: they call Zephyr's, which must be switched on.

TVM writes the calls and the includes in src/relay/backend/contrib/cmsisnn/tir_to_runtime.cc and
src/target/source/codegen_c_host.cc.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from west_utvm.module.rewrite import includes

_HEADER = re.compile(r"arm_nn\w*\.h", re.ASCII)

# The part of CONFIG_CMSIS_NN_<part> that each function of those names is in, in Zephyr 3.4
# (modules/cmsis/Kconfig.cmsis_nn) as in 3.7 (modules/cmsis-nn/Kconfig).
_PARTS = {
    "ACTIVATION": "relu|nn_activation",
    "BASICMATH": "elementwise",
    "CONCATENATION": "concatenation",
    "CONVOLUTION": "convolve|depthwise_conv|transpose_conv",
    "FULLYCONNECTED": "fully_connected|vector_sum",
    "POOLING": "avgpool|max_pool",
    "RESHAPE": "reshape",
    "SOFTMAX": "softmax",
    "SVD": "svdf",
}


def is_header(name: str) -> bool:
    return _HEADER.fullmatch(name) is not None


def symbols(sources: Iterable[str]) -> list[str]:
    """Kconfig symbols of what ``sources`` call, without CONFIG_; [] if they include none of it."""
    texts = [text for text in sources if any(map(is_header, includes(text)))]
    if not texts:
        return []
    parts = [part for part, names in _PARTS.items() if any(_calls(names, t) for t in texts)]
    return ["CMSIS_NN", *(f"CMSIS_NN_{part}" for part in (*parts, "NNSUPPORT"))]


def _calls(names: str, text: str) -> bool:
    return re.search(rf"\barm_(?:{names})\w*\s*\(", text, re.ASCII) is not None
