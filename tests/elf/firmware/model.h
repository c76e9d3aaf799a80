/* SPDX-License-Identifier: Apache-2.0 */
/* Compile with -DMODEL=<name> -DWEIGHTS=<n> -DWORKSPACE=<n>. */
#include <stdint.h>

#define STRING_(x) #x
#define STRING(x) STRING_(x)
#define JOIN_(a, b, c, d) a##b##c##d
#define JOIN(a, b, c, d) JOIN_(a, b, c, d)
#define TVMGEN(symbol) JOIN(tvmgen_, MODEL, _, symbol)
#define DESCRIPTOR JOIN(utvm_model_, MODEL, , )

int32_t TVMGEN(run)(void);
int32_t TVMGEN(fused_conv2d)(const int16_t *weights, uint8_t *workspace);
