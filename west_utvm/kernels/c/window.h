/* How a window moves over an image, NHWC; taps outside of the image read the zero point. */
struct utvm_window {
	int32_t in_height;
	int32_t in_width;
	int32_t in_channels;
	int32_t height;
	int32_t width;
	int32_t window_height;
	int32_t window_width;
	int32_t stride_y;
	int32_t stride_x;
	int32_t dilation_y;
	int32_t dilation_x;
	int32_t pad_top;
	int32_t pad_left;
	int32_t in_zero;
};
