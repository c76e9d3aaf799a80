/* A convolution, depthwise or not: what its loops run over. Input and output are NHWC. */
struct utvm_convolution {
	int32_t batches;
	int32_t in_height;
	int32_t in_width;
	int32_t in_channels;
	int32_t height;
	int32_t width;
	int32_t channels;
	int32_t window_height;
	int32_t window_width;
	int32_t stride_y;
	int32_t stride_x;
	int32_t dilation_y;
	int32_t dilation_x;
	int32_t pad_top;
	int32_t pad_left;
	int32_t padded;
	int32_t per_channel;
	int32_t in_zero;
	int32_t out_zero;
	int32_t low;
	int32_t high;
};
