# SPDX-License-Identifier: Apache-2.0
#
# Zephyr includes this file before Kconfig runs (build.settings.module_ext_root). It finds the
# modules that `west utvm-compile` wrote, so that an application uses a model by its Kconfig
# option alone: Kconfig sources their options, CMakeLists.txt adds their code.

# -DUTVM_MODULES_DIR wins, then `west config utvm.modules-dir`, then the default.
if(NOT UTVM_MODULES_DIR AND WEST_TOPDIR)
  execute_process(
    COMMAND ${WEST} config utvm.modules-dir
    WORKING_DIRECTORY ${WEST_TOPDIR}
    OUTPUT_VARIABLE UTVM_MODULES_DIR
    OUTPUT_STRIP_TRAILING_WHITESPACE
    ERROR_QUIET
  )
  if(NOT UTVM_MODULES_DIR)
    set(UTVM_MODULES_DIR modules/utvm)
  endif()
  cmake_path(ABSOLUTE_PATH UTVM_MODULES_DIR BASE_DIRECTORY ${WEST_TOPDIR} NORMALIZE)
endif()

set(UTVM_GENERATED_MODULES)
set(utvm_kconfig)
if(UTVM_MODULES_DIR)
  file(GLOB utvm_options CONFIGURE_DEPENDS ${UTVM_MODULES_DIR}/*/Kconfig)
endif()
foreach(utvm_option IN LISTS utvm_options)
  cmake_path(GET utvm_option PARENT_PATH utvm_folder)
  cmake_path(GET utvm_folder FILENAME utvm_name)
  # A leading dot marks a module that is being written. One that the build names itself, by
  # EXTRA_ZEPHYR_MODULES or in the manifest, is there already.
  if(utvm_name MATCHES "^\\." OR "utvm_${utvm_name}" IN_LIST ZEPHYR_MODULE_NAMES)
    continue()
  endif()
  list(APPEND UTVM_GENERATED_MODULES ${utvm_folder})
  string(APPEND utvm_kconfig "source \"${utvm_option}\"\n")
endforeach()

file(CONFIGURE OUTPUT ${KCONFIG_BINARY_DIR}/Kconfig.utvm CONTENT "${utvm_kconfig}" @ONLY)
