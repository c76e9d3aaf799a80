/* Sums of up to eight channels of count pixels, step bytes from each other, added to those given.
 */
UTVM_SHARED void utvm_mve_sums_8(const int8_t *pixel, int32_t count, int32_t step, int32_t channels,
				 int32_t *sums)
{
#if defined(__ARM_FEATURE_MVE)
	int32x4x2_t wide = vld2q_s32(sums);

	/* 16 bits hold sums of 256. */
	for (; count > 0; count -= 256) {
		const int32_t some = utvm_min(count, 256);
		int16x8_t part = vdupq_n_s16(0);

		__asm__ volatile("vctp.16 %[channels]\n\t"
				 "dls lr, %[some]\n"
				 "1:\n\t"
				 "vpst\n\t"
				 "vldrbt.s16 q0, [%[pixel]]\n\t"
				 "add %[pixel], %[step]\n\t"
				 "vadd.i16 %q[part], %q[part], q0\n\t"
				 "le lr, 1b"
				 : [pixel] "+l"(pixel), [part] "+w"(part)
				 : [some] "r"(some), [step] "r"(step), [channels] "r"(channels)
				 : "lr", "q0", "cc", "memory");
		wide.val[0] = vaddq_s32(wide.val[0], vmovlbq_s16(part));
		wide.val[1] = vaddq_s32(wide.val[1], vmovltq_s16(part));
	}
	vst2q_s32(sums, wide);
#else
	for (; count > 0; count--) {
		for (int32_t i = 0; i < channels; i++) {
			sums[i] += pixel[i];
		}
		pixel += step;
	}
#endif
}
