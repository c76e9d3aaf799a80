/* The larger or the smaller of two inputs. */
struct utvm_extreme {
	struct utvm_broadcast shape;
};

UTVM_INLINE void utvm_maximum(const struct utvm_extreme *p, const int8_t *a, const int8_t *b,
			      int8_t *output)
{
	UTVM_BROADCAST(&p->shape, *output++ = (int8_t)utvm_max(a[i], b[j]))
}

UTVM_INLINE void utvm_minimum(const struct utvm_extreme *p, const int8_t *a, const int8_t *b,
			      int8_t *output)
{
	UTVM_BROADCAST(&p->shape, *output++ = (int8_t)utvm_min(a[i], b[j]))
}
