# SPDX-License-Identifier: Apache-2.0
"""What CPU an archive's object file is for."""

from __future__ import annotations

import io

# Tag_ABI_VFP_args of ARM's build attributes (ABI for the Arm Architecture, addenda32, 3.3.6.1):
# who passes floating-point numbers in registers of the FPU.
_VFP_ARGS = {0: "soft-float ABI", 1: "hard-float ABI", 3: "either float ABI"}


def describe_object(data: bytes) -> str:
    """Such as ``ARM, soft-float ABI``; never fails, as ``data`` is anything at all."""
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(io.BytesIO(data))
        described = [elf.get_machine_arch(), *_arm_attributes(elf)]
    except Exception:  # pyelftools raises what it likes on a damaged file
        return "an unknown CPU (damaged or no ELF)"
    return ", ".join(described)


def _arm_attributes(elf: object) -> list[str]:
    section = elf.get_section_by_name(".ARM.attributes")  # type: ignore[attr-defined]
    if section is None:
        return []
    values = {
        attribute.tag: attribute.value
        for subsection in section.iter_subsections()
        for subsubsection in subsection.iter_subsubsections()
        for attribute in subsubsection.iter_attributes()
    }
    cpu = values.get("TAG_CPU_NAME")
    return [*([str(cpu)] if cpu else []), _VFP_ARGS.get(values.get("TAG_ABI_VFP_ARGS", 0), "?")]
