/* softmax_tflm.h in vectors. Behind the table's last entry there is a zero. */
#if defined(__ARM_FEATURE_MVE)

UTVM_INLINE void utvm_mve_softmax_row(const struct utvm_softmax *p, const int8_t *input,
				      const int32_t *exponentials, int8_t *output)
{
	const uint32x4_t last = vdupq_n_u32((uint32_t)p->entries);
	const int32x4_t most = vdupq_n_s32(127);
	const int32x4_t largest = vdupq_n_s32(utvm_mve_largest(input, p->depth));
	register int32_t sum __asm__("r0") = 0;
	const int8_t *next = input;
	int32_t zeros, inverse, shift;

	/* What is positive, VRSHR and VRSHL round as utvm_divide_by_power does. */
	__asm__ volatile("wlstp.32 lr, %[depth], 2f\n"
			 "1:\n\t"
			 "vldrb.s32 q0, [%[next]], #4\n\t"
			 "vsub.i32 q0, %q[largest], q0\n\t"
			 "vmin.u32 q0, q0, %q[last]\n\t"
			 "vldrw.u32 q1, [%[table], q0, uxtw #2]\n\t"
			 "vrshr.s32 q1, q1, #12\n\t"
			 "vaddva.s32 %[sum], q1\n\t"
			 "letp lr, 1b\n"
			 "2:"
			 : [next] "+l"(next), [sum] "+r"(sum)
			 : [depth] "r"(p->depth), [table] "r"(exponentials),
			   [largest] "w"(largest), [last] "w"(last)
			 : "lr", "q0", "q1", "memory");
	zeros = __builtin_clz((uint32_t)sum);
	inverse = utvm_softmax_inverse(sum, zeros);
	shift = -utvm_softmax_shift(zeros);
	__asm__ volatile("wlstp.32 lr, %[depth], 2f\n"
			 "1:\n\t"
			 "vldrb.s32 q0, [%[input]], #4\n\t"
			 "vsub.i32 q0, %q[largest], q0\n\t"
			 "vmin.u32 q0, q0, %q[last]\n\t"
			 "vldrw.u32 q1, [%[table], q0, uxtw #2]\n\t"
			 "vqrdmulh.s32 q1, q1, %[inverse]\n\t"
			 "vrshl.s32 q1, %[shift]\n\t"
			 "vadd.i32 q1, q1, %[zero]\n\t"
			 "vmin.s32 q1, q1, %q[most]\n\t"
			 "vstrb.32 q1, [%[output]], #4\n\t"
			 "letp lr, 1b\n"
			 "2:"
			 : [input] "+l"(input), [output] "+l"(output)
			 : [depth] "r"(p->depth), [table] "r"(exponentials),
			   [largest] "w"(largest), [last] "w"(last), [most] "w"(most),
			   [inverse] "r"(inverse), [shift] "r"(shift), [zero] "r"(-128)
			 : "lr", "q0", "q1", "memory");
}

#else
#define utvm_mve_softmax_row utvm_softmax_row
#endif

UTVM_MVE_SOFTMAX(int32_t)
