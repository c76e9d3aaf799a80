/* Two inputs that meet as in broadcast.h, four elements at a time. */
#if defined(UTVM_MVE_VECTORS)

UTVM_INLINE int32x4_t utvm_mve_four(const int8_t *from, int32_t step)
{
	return step ? vldrbq_s32(from) : vdupq_n_s32(*from);
}

UTVM_INLINE int32x4_t utvm_mve_some(const int8_t *from, int32_t step, mve_pred16_t lanes)
{
	return step ? vldrbq_z_s32(from, lanes) : vdupq_n_s32(*from);
}

#define UTVM_MVE_BINARY_RUN(name)                                                                  \
	UTVM_INLINE void utvm_mve_##name##_run(const struct utvm_##name *p, const int8_t *a,       \
					       const int8_t *b, int8_t *output)                    \
	{                                                                                          \
		const int32_t step_a = p->shape.a[3];                                              \
		const int32_t step_b = p->shape.b[3];                                              \
		int32_t left = p->shape.size[3];                                                   \
		mve_pred16_t lanes;                                                                \
		for (; left >= 4; left -= 4) {                                                     \
			vstrbq_s32(output, utvm_mve_##name##_4(p, utvm_mve_four(a, step_a),        \
							       utvm_mve_four(b, step_b)));         \
			a += 4 * step_a;                                                           \
			b += 4 * step_b;                                                           \
			output += 4;                                                               \
		}                                                                                  \
		if (left > 0) {                                                                    \
			lanes = vctp32q((uint32_t)left);                                           \
			vstrbq_p_s32(output,                                                       \
				     utvm_mve_##name##_4(p, utvm_mve_some(a, step_a, lanes),       \
							 utvm_mve_some(b, step_b, lanes)),         \
				     lanes);                                                       \
		}                                                                                  \
	}

#else

#define UTVM_MVE_BINARY_RUN(name)                                                                  \
	UTVM_INLINE void utvm_mve_##name##_run(const struct utvm_##name *p, const int8_t *a,       \
					       const int8_t *b, int8_t *output)                    \
	{                                                                                          \
		for (int32_t i = 0; i < p->shape.size[3]; i++) {                                   \
			output[i] =                                                                \
				utvm_##name##_one(p, a[i * p->shape.a[3]], b[i * p->shape.b[3]]);  \
		}                                                                                  \
	}

#endif

/* utvm_mve_<name>() from utvm_mve_<name>_4() and utvm_<name>_one(). */
#define UTVM_MVE_BINARY(name)                                                                      \
	UTVM_MVE_BINARY_RUN(name)                                                                  \
	UTVM_INLINE void utvm_mve_##name(const struct utvm_##name *p, const int8_t *a,             \
					 const int8_t *b, int8_t *output)                          \
	{                                                                                          \
		const struct utvm_broadcast *const s = &p->shape;                                  \
		const int32_t runs = s->size[0] * s->size[1] * s->size[2];                         \
		int32_t n0, n1, n2;                                                                \
		for (int32_t run = 0; run < runs; run++) {                                         \
			n0 = run / s->size[2] / s->size[1];                                        \
			n1 = run / s->size[2] % s->size[1];                                        \
			n2 = run % s->size[2];                                                     \
			utvm_mve_##name##_run(p, a + n0 * s->a[0] + n1 * s->a[1] + n2 * s->a[2],   \
					      b + n0 * s->b[0] + n1 * s->b[1] + n2 * s->b[2],      \
					      output);                                             \
			output += s->size[3];                                                      \
		}                                                                                  \
	}
