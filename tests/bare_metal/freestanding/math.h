/* SPDX-License-Identifier: Apache-2.0 */
/* For compilers without a C library: what C of float models may use of it. */
float expf(float x);
float tanhf(float x);
