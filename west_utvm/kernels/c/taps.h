/* Which of a window's taps, along one axis, lie within the image: begin <= tap < end. */
struct utvm_taps {
	int32_t begin;
	int32_t end;
};

/* The window's first tap is at origin, which may be outside. */
UTVM_INLINE struct utvm_taps utvm_taps(int32_t origin, int32_t size, int32_t window,
				       int32_t dilation)
{
	struct utvm_taps taps = {0, window};

	if (origin < 0) {
		taps.begin = utvm_min((dilation - 1 - origin) / dilation, window);
	}
	if (origin + (window - 1) * dilation >= size) {
		taps.end = utvm_max((size - origin + dilation - 1) / dilation, taps.begin);
	}
	return taps;
}
