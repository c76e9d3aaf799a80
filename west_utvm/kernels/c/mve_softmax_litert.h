/* softmax_litert.h in vectors. */
#if defined(__ARM_FEATURE_MVE) && __ARM_FEATURE_MVE & 2

UTVM_INLINE void utvm_mve_softmax_row(const struct utvm_softmax *p, const int8_t *input,
				      const float *exponentials, int8_t *output)
{
	const int32x4_t largest = vdupq_n_s32(utvm_mve_largest(input, p->depth));
	const float sum = utvm_mve_softmax_sum(input, p->depth, largest, exponentials);
	const float inverse = 1.0f / utvm_rounded(sum * p->scale);
	int32_t bits;

	memcpy(&bits, &inverse, sizeof(bits));
	/* VCVTA rounds halves away from zero. */
	__asm__ volatile("wlstp.32 lr, %[depth], 2f\n"
			 "1:\n\t"
			 "vldrb.s32 q0, [%[input]], #4\n\t"
			 "vsub.i32 q0, %q[largest], q0\n\t"
			 "vldrw.u32 q1, [%[table], q0, uxtw #2]\n\t"
			 "vmul.f32 q1, q1, %[inverse]\n\t"
			 "vcvta.s32.f32 q1, q1\n\t"
			 "vadd.i32 q1, q1, %[zero]\n\t"
			 "vqmovnb.s32 q1, q1\n\t"
			 "vqmovnb.s16 q1, q1\n\t"
			 "vstrb.32 q1, [%[output]], #4\n\t"
			 "letp lr, 1b\n"
			 "2:"
			 : [input] "+l"(input), [output] "+l"(output)
			 : [depth] "r"(p->depth), [table] "r"(exponentials),
			   [largest] "w"(largest), [inverse] "r"(bits), [zero] "r"(p->out_zero)
			 : "lr", "q0", "q1", "memory");
}

#else
#define utvm_mve_softmax_row utvm_softmax_row
#endif

UTVM_MVE_SOFTMAX(float)
