# SPDX-License-Identifier: Apache-2.0
#
# Zephyr includes this file before Kconfig runs (build.settings.module_ext_root). It finds the
# modules that `west utvm-compile` wrote, so that an application uses a model by its Kconfig
# option alone. CMakeLists.txt adds their sources.

# -DUTVM_MODULES_DIR wins, then `west config utvm.modules-dir`, then the default.
if(NOT DEFINED UTVM_MODULES_DIR AND DEFINED WEST_TOPDIR)
  set(UTVM_MODULES_DIR modules/utvm)
  execute_process(
    COMMAND ${WEST} config utvm.modules-dir
    WORKING_DIRECTORY ${WEST_TOPDIR}
    OUTPUT_VARIABLE utvm_configured_dir
    OUTPUT_STRIP_TRAILING_WHITESPACE
    ERROR_QUIET
  )
  if(utvm_configured_dir)
    set(UTVM_MODULES_DIR ${utvm_configured_dir})
  endif()
  cmake_path(ABSOLUTE_PATH UTVM_MODULES_DIR BASE_DIRECTORY ${WEST_TOPDIR} NORMALIZE)
endif()

set(UTVM_GENERATED_MODULES)
set(utvm_kconfig "source \"${CMAKE_CURRENT_LIST_DIR}/../Kconfig\"\n")
if(UTVM_MODULES_DIR)
  file(GLOB utvm_candidates ${UTVM_MODULES_DIR}/*/metadata.json)
endif()
foreach(utvm_metadata IN LISTS utvm_candidates)
  cmake_path(GET utvm_metadata PARENT_PATH utvm_folder)
  cmake_path(GET utvm_folder FILENAME utvm_name)
  # A leading dot marks a module that is being written. One that the build names itself, by
  # EXTRA_ZEPHYR_MODULES or in the manifest, is there already.
  if(utvm_name MATCHES "^\\." OR "utvm_${utvm_name}" IN_LIST ZEPHYR_MODULE_NAMES)
    continue()
  endif()
  list(APPEND UTVM_GENERATED_MODULES ${utvm_folder})
  string(APPEND utvm_kconfig "source \"${utvm_folder}/Kconfig\"\n")
endforeach()

# A model that is added or removed changes the folder: configure again.
if(EXISTS "${UTVM_MODULES_DIR}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${UTVM_MODULES_DIR})
endif()

set(ZEPHYR_WEST_UTVM_KCONFIG ${CMAKE_BINARY_DIR}/utvm/Kconfig)
file(CONFIGURE OUTPUT ${ZEPHYR_WEST_UTVM_KCONFIG} CONTENT "${utvm_kconfig}" @ONLY)
