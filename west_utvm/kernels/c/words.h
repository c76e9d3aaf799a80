/*
 * Two numbers of 16 bits in a word: the lower half is the first. Four of 8 bits are taken apart
 * into two such words, (0, 2) and (1, 3), as the SXTB16 of Arm's DSP extension has them.
 */
UTVM_INLINE int32_t utvm_load4(const int8_t *bytes)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	int32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
#else
	return (int32_t)((uint32_t)(uint8_t)bytes[0] | (uint32_t)(uint8_t)bytes[1] << 8 |
			 (uint32_t)(uint8_t)bytes[2] << 16 | (uint32_t)(uint8_t)bytes[3] << 24);
#endif
}

UTVM_INLINE int32_t utvm_low(int32_t word)
{
	return (int16_t)(uint16_t)((uint32_t)word & 0xFFFFU);
}

UTVM_INLINE int32_t utvm_high(int32_t word)
{
	return word >> 16;
}

UTVM_INLINE int32_t utvm_pair(int32_t low, int32_t high)
{
	return (int32_t)(((uint32_t)low & 0xFFFFU) | (uint32_t)high << 16);
}

/* Bytes 0 and 2, with their signs. */
UTVM_INLINE int32_t utvm_even_bytes(int32_t word)
{
#if defined(UTVM_DSP)
	int32_t result;

	__asm__("sxtb16 %0, %1" : "=r"(result) : "r"(word));
	return result;
#else
	return utvm_pair((int8_t)(word & 0xFF), (int8_t)(word >> 16 & 0xFF));
#endif
}

/* Bytes 1 and 3, with their signs. */
UTVM_INLINE int32_t utvm_odd_bytes(int32_t word)
{
#if defined(UTVM_DSP)
	int32_t result;

	__asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(word));
	return result;
#else
	return utvm_pair((int8_t)(word >> 8 & 0xFF), (int8_t)(word >> 24 & 0xFF));
#endif
}

/* The lower halves of both. */
UTVM_INLINE int32_t utvm_low_halves(int32_t a, int32_t b)
{
#if defined(UTVM_DSP)
	int32_t result;

	__asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(a), "r"(b));
	return result;
#else
	return utvm_pair(a, b);
#endif
}

/* The upper halves of both. */
UTVM_INLINE int32_t utvm_high_halves(int32_t a, int32_t b)
{
#if defined(UTVM_DSP)
	int32_t result;

	__asm__("pkhtb %0, %2, %1, asr #16" : "=r"(result) : "r"(a), "r"(b));
	return result;
#else
	return utvm_pair(a >> 16, b >> 16);
#endif
}

/* sum + a.low * b.low + a.high * b.high; modulo 2^32, as some sums are only right in the end. */
UTVM_INLINE int32_t utvm_dot2(int32_t a, int32_t b, int32_t sum)
{
#if defined(UTVM_DSP)
	__asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
	return sum;
#else
	const uint32_t low = (uint32_t)(utvm_low(a) * utvm_low(b));
	const uint32_t high = (uint32_t)(utvm_high(a) * utvm_high(b));

	return (int32_t)((uint32_t)sum + low + high);
#endif
}

/* sum + a.low * b.low */
UTVM_INLINE int32_t utvm_dot_low(int32_t a, int32_t b, int32_t sum)
{
#if defined(UTVM_DSP)
	__asm__("smlabb %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
	return sum;
#else
	return sum + utvm_low(a) * utvm_low(b);
#endif
}

/* sum + a.high * b.high */
UTVM_INLINE int32_t utvm_dot_high(int32_t a, int32_t b, int32_t sum)
{
#if defined(UTVM_DSP)
	__asm__("smlatt %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
	return sum;
#else
	return sum + utvm_high(a) * utvm_high(b);
#endif
}
