#ifndef NAS_TYPES
#define NAS_TYPES
/* One layer: its kernel, its numbers, and where its bytes are. */
typedef struct nas_layer {
  void (*run)(const struct nas_layer *);
  const void *params;
  const int8_t *a, *b;
  int8_t *y, *scratch;
} nas_layer;

/* Convolutions. Images are rows of pixels of channels; weights are [out][row][column][in] or, depthwise, [row][column][out]. */
typedef struct {
  const int8_t *weights;
  /* Of conv: with -zero * (sum of weights) added. */
  const int32_t *bias, *mantissa;
  const int8_t *right;
  int16_t height, width, channels, out_height, out_width, out_channels, rows, columns, groups;
  int16_t stride_y, stride_x, dilation_y, dilation_x, top, left, zero, out_zero, low, high;
} nas_conv_params;

/*
 * Sums and products of two tensors; b repeats after `period` bytes. Sums: (a first + b second + bias) >> shift; as TFLite Micro
 * rounds, first, second and bias are factors of a, b and their sum.
 */
typedef struct {
  int32_t count, period;
  int32_t first, second, bias, shift;
  int32_t first_right, second_right, zero_a, zero_b, zero, low, high;
} nas_pair_params;

typedef struct {
  const int8_t *table;
  int32_t count;
} nas_lookup_params;

typedef struct {
  int32_t pixels, channels, zero, out_zero, mantissa, right;
} nas_mean_params;

typedef struct {
  int16_t height, width, channels, out_height, out_width, rows, columns, stride_y, stride_x, top, left;
} nas_pool_params;

typedef struct {
  int16_t height, width, channels, top, left, bottom, right, zero;
} nas_pad_params;

/* Twice the rows and columns, or one less. */
typedef struct {
  int16_t out_height, out_width, width, channels;
} nas_upsample_params;

/* Copies `count` of the channels of each pixel. */
typedef struct {
  int32_t pixels, count, from_channels, to_channels;
} nas_channels_params;

typedef struct {
  int32_t pixels, channels, groups;
} nas_shuffle_params;

typedef struct {
  const int32_t *exponentials;
  int32_t count;
} nas_softmax_params;
#endif
