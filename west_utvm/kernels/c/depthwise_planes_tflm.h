/*
 * Windows whose results are all of int8: in assembly from the sums on, which are in r8-lr. r0 is
 * the frame, r1 and r2 are the scale, r3 is the zero point; then r1-r7 are the output and places.
 */
#if defined(UTVM_DSP)
#define UTVM_PLANES_AWAY(x) "add " x ", " x ", " x ", asr #31\n\t"
#define UTVM_PLANES_UP(x)

/* utvm_requantized of two sums. */
#define UTVM_PLANES_SCALED(a, b, round)								   \
	"smmlar " a ", " a ", r1, " a "\n\t"							   \
	"smmlar " b ", " b ", r1, " b "\n\t" round(a) round(b)					   \
	"smmlar " a ", " a ", r2, r3\n\t"							   \
	"smmlar " b ", " b ", r2, r3\n\t"							   \
	"ssat " a ", #8, " a "\n\t"								   \
	"ssat " b ", #8, " b "\n\t"

#define UTVM_PLANES_STORED(round)								   \
	"ldrd r1, r2, [r0, %[scale]]\n\t"							   \
	"ldr r3, [r0, %[zero]]\n\t"								   \
	UTVM_PLANES_SCALED("r8", "r9", round)							   \
	UTVM_PLANES_SCALED("r10", "r11", round)							   \
	UTVM_PLANES_SCALED("r12", "lr", round)							   \
	"ldrd r1, r7, [r0, %[output]]\n\t"							   \
	"ldmia r7, {r2-r7}\n\t"									   \
	"strb lr, [r1, r7]\n\t"									   \
	"strb r12, [r1, r6]\n\t"								   \
	"strb r11, [r1, r5]\n\t"								   \
	"strb r10, [r1, r4]\n\t"								   \
	"strb r9, [r1, r3]\n\t"									   \
	"strb r8, [r1]\n\t"

#define UTVM_PLANES_DONE(round)									   \
	do {											   \
		UTVM_PLANES_ASSEMBLY(f, UTVM_PLANES_STORED(round));				   \
		(void)p;									   \
	} while (0)
#else
#define UTVM_PLANES_DONE(round)									   \
	do {											   \
		utvm_planes_sums(f);								   \
		utvm_planes_results(p, 0, f);							   \
	} while (0)
#endif

UTVM_INLINE void utvm_planes_together_full(const struct utvm_depthwise_planes *p,
					   struct utvm_planes_frame *f)
{
	UTVM_PLANES_DONE(UTVM_PLANES_AWAY);
}

UTVM_INLINE void utvm_planes_together_positive(const struct utvm_depthwise_planes *p,
					       struct utvm_planes_frame *f)
{
	UTVM_PLANES_DONE(UTVM_PLANES_UP);
}

/* For results of all of int8. */
UTVM_SHARED void utvm_planes_full(const struct utvm_depthwise_planes *p,
				  const struct utvm_planes_pass *pass, struct utvm_planes_frame *f,
				  const int32_t *plane, const int32_t *constants, int8_t *output)
{
	utvm_planes_channel(p, utvm_planes_together_full, pass, f, plane, constants, output);
}

/*
 * The same if the zero point is the smallest result: then it does not matter which way the half of
 * a negative quotient is rounded.
 */
UTVM_SHARED void utvm_planes_positive(const struct utvm_depthwise_planes *p,
				      const struct utvm_planes_pass *pass,
				      struct utvm_planes_frame *f, const int32_t *plane,
				      const int32_t *constants, int8_t *output)
{
	utvm_planes_channel(p, utvm_planes_together_positive, pass, f, plane, constants, output);
}
