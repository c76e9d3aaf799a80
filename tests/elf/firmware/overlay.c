/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

__attribute__((section(".one"))) uint32_t one[20] = {1};
__attribute__((section(".two"))) uint32_t two[10] = {2};
uint32_t zeros[7];

uint32_t first(void)
{
	return one[0] + two[0] + zeros[0];
}
