/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newlib's libm reports errors through __errno(), which Zephyr's minimal C library calls
 * otherwise. Weak: every model that needs it brings it.
 */
#include <errno.h>

__attribute__((weak)) int *__errno(void);

__attribute__((weak)) int *__errno(void)
{
	return &errno;
}
