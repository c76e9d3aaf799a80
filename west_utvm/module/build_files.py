# SPDX-License-Identifier: Apache-2.0
"""The CMake, Kconfig and module files of a generated module."""

from __future__ import annotations

from collections.abc import Sequence

_CMAKE = """\
# SPDX-License-Identifier: Apache-2.0
# Model {name}, written by west utvm-compile. Works in a Zephyr build and in plain CMake.

set(sources
{sources})

# tvmc declares constants and parameters that a model does not use.
set(generated_code_options -Wno-unused-variable -Wno-unused-parameter)

if(NOT COMMAND zephyr_library_named)
{needs_board}  add_library(utvm_{name} STATIC ${{sources}})
  target_include_directories(utvm_{name} PUBLIC include PRIVATE abi)
  target_compile_options(utvm_{name} PRIVATE ${{generated_code_options}})
  target_link_libraries(utvm_{name} PUBLIC m)
elseif(CONFIG_UTVM_{upper} AND NOT TARGET utvm_{name})
  zephyr_library_named(utvm_{name})
  zephyr_library_sources(${{sources}})
  zephyr_library_compile_options(${{generated_code_options}})
  zephyr_library_include_directories(abi)
  zephyr_include_directories(include)
{fast}{libm}{needs_cmsis_nn}endif()
"""

_FAST = """\
  if(CONFIG_SIZE_OPTIMIZATIONS)
    # What runs longest, in an application that is built for size (utvm-compile --optimize).
    set_source_files_properties(${{sources}} PROPERTIES COMPILE_OPTIONS {option})
  endif()
"""

# What --optimize has the C compiler do; "size" leaves it to the application.
_LEVELS = {"speed": "-O3", "balanced": "-O2"}

# Not `select REQUIRES_FULL_LIBC`: a model must not change the C library of an application.
_LIBM = """\
  if(CONFIG_MINIMAL_LIBC)
    # Zephyr's own C library has no math functions: link the toolchain's, and behind it what it
    # takes to compute without a floating-point unit.
    zephyr_library_sources(${CMAKE_CURRENT_LIST_DIR}/src/tvmgen_%s_errno.c)
    zephyr_link_libraries(m $<$<C_COMPILER_ID:GNU>:gcc>)
  endif()
"""

_NEEDS_BOARD = """\
  message(FATAL_ERROR "Model %s calls CMSIS-NN, which Zephyr has for Cortex-M: give a board")
"""

_NEEDS_CMSIS_NN = """\
  if(NOT CONFIG_CMSIS_NN)
    message(FATAL_ERROR
      "Model %s calls CMSIS-NN, and CONFIG_CMSIS_NN is off. Since Zephyr 3.5 the workspace must "
      "have the modules cmsis-nn and cmsis-dsp: add them to west.yml and run west update")
  endif()
"""

_KCONFIG = """\
# SPDX-License-Identifier: Apache-2.0

config UTVM_{upper}
	bool "Model {name}"
{needs}	help
	  Link model {name} into the application. Include <tvmgen_{name}.h> and call
	  tvmgen_{name}_run(). It needs {workspace} bytes of RAM for its workspace.

config UTVM_SHARED_WORKSPACE
	bool "Models share one workspace" if !ZEPHYR_WEST_UTVM_MODULE
	depends on UTVM_{upper}
	help
	  One workspace, of the size of the largest, for all models. Only for models
	  that never run at the same time.
"""

_MODULE_YML = """\
# SPDX-License-Identifier: Apache-2.0
name: utvm_{name}
build:
  cmake: .
  kconfig: Kconfig
"""


def cmake_lists(
    name: str,
    sources: Sequence[str],
    *,
    uses_math: bool,
    uses_cmsis_nn: bool = False,
    optimize: str = "size",
) -> str:
    """``optimize`` as the model was compiled for."""
    level = _LEVELS.get(optimize)
    libm = _LIBM % name if uses_math else ""
    listed = "".join(f"  ${{CMAKE_CURRENT_LIST_DIR}}/{source}\n" for source in sources)
    return _CMAKE.format(
        name=name,
        upper=name.upper(),
        sources=listed,
        libm=libm,
        fast=_FAST.format(option=level) if level else "",
        needs_board=_NEEDS_BOARD % name if uses_cmsis_nn else "",
        needs_cmsis_nn=_NEEDS_CMSIS_NN % name if uses_cmsis_nn else "",
    )


def kconfig(
    name: str, *, workspace: int, cmsis_nn: Sequence[str] = (), uses_mve: bool = False
) -> str:
    """``workspace`` in bytes; ``cmsis_nn`` the symbols that the model needs.

    They are implied: a workspace may lack the module, and selecting what is not there is a
    warning that tells nothing. CMakeLists.txt says it. So is the FPU where there are vectors: the
    two share their registers, and without it Zephyr has the compiler use neither.
    """
    needs = "".join(f"\timply {symbol}\n" for symbol in cmsis_nn)
    if needs:
        needs = f"\tdepends on CPU_CORTEX_M\n{needs}"
    if uses_mve:
        needs += "\timply FPU if ARMV8_1_M_MVEI\n"
    return _KCONFIG.format(name=name, upper=name.upper(), workspace=workspace, needs=needs)


def module_yml(name: str) -> str:
    return _MODULE_YML.format(name=name)
