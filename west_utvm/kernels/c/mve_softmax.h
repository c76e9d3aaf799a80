/* Softmax in vectors: utvm_mve_softmax() from utvm_mve_softmax_row(). */
UTVM_INLINE int32_t utvm_mve_largest(const int8_t *input, int32_t count)
{
	int32_t largest = INT8_MIN;

#if defined(__ARM_FEATURE_MVE)
	__asm__ volatile("wlstp.8 lr, %[count], 2f\n"
			 "1:\n\t"
			 "vldrb.8 q0, [%[input]], #16\n\t"
			 "vmaxv.s8 %[largest], q0\n\t"
			 "letp lr, 1b\n"
			 "2:"
			 : [input] "+l"(input), [largest] "+r"(largest)
			 : [count] "r"(count)
			 : "lr", "q0", "memory");
#else
	for (int32_t i = 0; i < count; i++) {
		largest = utvm_max(largest, input[i]);
	}
#endif
	return (int8_t)largest;
}

#if defined(__ARM_FEATURE_MVE) && __ARM_FEATURE_MVE & 2
/* One after the other, as it is in the reference. */
UTVM_INLINE float utvm_mve_softmax_sum(const int8_t *input, int32_t depth, int32x4_t largest,
				       const float *exponentials)
{
	float sum = 0.0f;

	__asm__ volatile("wlstp.32 lr, %[depth], 2f\n"
			 "1:\n\t"
			 "vldrb.s32 q0, [%[input]], #4\n\t"
			 "vsub.i32 q0, %q[largest], q0\n\t"
			 "vldrw.u32 q1, [%[table], q0, uxtw #2]\n\t"
			 "vadd.f32 %[sum], %[sum], s4\n\t"
			 "vadd.f32 %[sum], %[sum], s5\n\t"
			 "vadd.f32 %[sum], %[sum], s6\n\t"
			 "vadd.f32 %[sum], %[sum], s7\n\t"
			 "letp lr, 1b\n"
			 "2:"
			 : [input] "+l"(input), [sum] "+t"(sum)
			 : [depth] "r"(depth), [table] "r"(exponentials), [largest] "w"(largest)
			 : "lr", "q0", "q1", "memory");
	return sum;
}
#endif

#define UTVM_MVE_SOFTMAX(type)                                                                     \
	UTVM_SHARED void utvm_mve_softmax(const struct utvm_softmax *p, const int8_t *input,       \
					  const type *exponentials, int8_t *output)                \
	{                                                                                          \
		for (int32_t row = 0; row < p->rows; row++) {                                      \
			utvm_mve_softmax_row(p, input, exponentials, output);                      \
			input += p->depth;                                                         \
			output += p->depth;                                                        \
		}                                                                                  \
	}
