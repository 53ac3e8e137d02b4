/* The taps of a window from `first` to before `end` that lie inside of `size` pixels. */
NAS_INLINE void nas_inside(int32_t from, int32_t taps, int32_t step, int32_t size, int32_t *first, int32_t *end) {
  int32_t a = 0, b = taps;
  while (a < b && from + a * step < 0) a++;
  while (b > a && from + (b - 1) * step >= size) b--;
  *first = a;
  *end = b;
}

/* The part of a window that lies inside of the image: taps, and bytes from one to the next. */
typedef struct {
  const int8_t *x, *w;
  int32_t rows, columns, step, x_row, w_row;
} nas_taps;

/* Four channels of one pixel. */
NAS_INLINE void nas_four_channels(const nas_conv_params *p, const nas_taps *taps, int32_t o, int8_t *y) {
  int32_t a = p->bias[o], b = p->bias[o + 1], c = p->bias[o + 2], d = p->bias[o + 3];
  const int32_t zero = p->zero, step = taps->step, out = p->out_channels, columns = taps->columns;
  const int8_t *x = taps->x + o, *w = taps->w + o;
#ifdef NAS_DSP
  const uint32_t zeros = ((uint32_t)-zero & 0xffff) * 0x10001u;
#endif
  for (int32_t row = taps->rows; row > 0; row--, x += taps->x_row, w += taps->w_row)
    for (int32_t column = columns; column > 0; column--, x += step, w += out) {
#ifdef NAS_DSP
      const uint32_t v = nas_load(x), u = nas_load(w);
      const uint32_t even = nas_add_even(zeros, v), even_weights = nas_even(u);
      a = nas_low(even, even_weights, a);
      c = nas_high(even, even_weights, c);
      const uint32_t odd = nas_add_odd(zeros, v), odd_weights = nas_odd(u);
      b = nas_low(odd, odd_weights, b);
      d = nas_high(odd, odd_weights, d);
#else
      a += (x[0] - zero) * w[0];
      b += (x[1] - zero) * w[1];
      c += (x[2] - zero) * w[2];
      d += (x[3] - zero) * w[3];
#endif
    }
  const int32_t *mantissa = p->mantissa + o;
  const int32_t out_zero = p->out_zero, low = p->low, high = p->high;
  const int8_t *right = p->right + o;
  y[o] = nas_byte(nas_scaled(a, mantissa[0], right[0]) + out_zero, low, high);
  y[o + 1] = nas_byte(nas_scaled(b, mantissa[1], right[1]) + out_zero, low, high);
  y[o + 2] = nas_byte(nas_scaled(c, mantissa[2], right[2]) + out_zero, low, high);
  y[o + 3] = nas_byte(nas_scaled(d, mantissa[3], right[3]) + out_zero, low, high);
}

/* One channel of one pixel. */
NAS_INLINE void nas_one_channel(const nas_conv_params *p, const nas_taps *taps, int32_t i, int32_t o, int8_t *y) {
  int32_t sum = p->bias[o];
  const int8_t *x = taps->x + i, *w = taps->w + o;
  for (int32_t row = taps->rows; row > 0; row--, x += taps->x_row, w += taps->w_row)
    for (int32_t column = taps->columns; column > 0; column--, x += taps->step, w += p->out_channels)
      sum += (*x - p->zero) * *w;
  y[o] = nas_byte(nas_scaled(sum, p->mantissa[o], p->right[o]) + p->out_zero, p->low, p->high);
}

#ifdef NAS_MVE
/* Up to eight channels of one pixel: the sums of those at even places lie in one vector, of the others in another. */
NAS_INLINE void nas_eight_channels(const nas_conv_params *p, const nas_taps *taps, int32_t o, int8_t *y) {
  const int32_t rest = p->out_channels - o, step = taps->step, out = p->out_channels, columns = taps->columns;
  const mve_pred16_t lanes = vctp16q((uint32_t)rest);
  const mve_pred16_t even = vctp32q((uint32_t)(rest + 1) >> 1), odd = vctp32q((uint32_t)rest >> 1);
  const uint32x4_t places = vidupq_n_u32(0, 2);
  const int16_t zero = p->zero;
  int32x4_t a = vldrwq_gather_shifted_offset_z_s32(p->bias + o, places, even);
  int32x4_t b = vldrwq_gather_shifted_offset_z_s32(p->bias + o + 1, places, odd);
  const int8_t *x = taps->x + o, *w = taps->w + o;
  for (int32_t row = taps->rows; row > 0; row--, x += taps->x_row, w += taps->w_row)
    for (int32_t column = columns; column > 0; column--, x += step, w += out) {
      const int16x8_t v = vsubq_n_s16(vldrbq_z_s16(x, lanes), zero), u = vldrbq_z_s16(w, lanes);
      a = vaddq_s32(a, vmullbq_int_s16(v, u));
      b = vaddq_s32(b, vmulltq_int_s16(v, u));
    }
  const int16x8_t left = vnegq_s16(vldrbq_z_s16(p->right + o, lanes));
  if (NAS_TFLM || vcmpgtq_n_s16(left, 0)) {
    int32_t sums[8];
    vstrwq_scatter_shifted_offset_s32(sums, places, a);
    vstrwq_scatter_shifted_offset_s32(sums + 1, places, b);
    for (int32_t i = 0; i < 8 && i < rest; i++)
      y[o + i] = nas_byte(nas_scaled(sums[i], p->mantissa[o + i], p->right[o + i]) + p->out_zero, p->low, p->high);
    return;
  }
  /* As nas_scaled. */
  a = vmulhq_s32(a, vldrwq_gather_shifted_offset_z_s32(p->mantissa + o, places, even));
  b = vmulhq_s32(b, vldrwq_gather_shifted_offset_z_s32(p->mantissa + o + 1, places, odd));
  a = vshrq_n_s32(vaddq_n_s32(vshlq_s32(a, vmovlbq_s16(left)), 1), 1);
  b = vshrq_n_s32(vaddq_n_s32(vshlq_s32(b, vmovltq_s16(left)), 1), 1);
  const int32x4_t low = vdupq_n_s32(p->low), high = vdupq_n_s32(p->high);
  a = vmaxq_s32(vminq_s32(vaddq_n_s32(a, p->out_zero), high), low);
  b = vmaxq_s32(vminq_s32(vaddq_n_s32(b, p->out_zero), high), low);
  vstrbq_p_s16(y + o, vmovntq_s32(vmovnbq_s32(vdupq_n_s16(0), a), b), lanes);
}
#endif

NAS_KERNEL void nas_depthwise(const nas_layer *layer) {
  const nas_conv_params *p = layer->params;
  const int32_t channels = p->channels, out = p->out_channels, each = out / channels;
  int8_t *y = layer->y;
  nas_taps taps;
  taps.step = p->dilation_x * channels;
  for (int32_t oy = 0; oy < p->out_height; oy++)
    for (int32_t ox = 0; ox < p->out_width; ox++, y += out) {
      const int32_t iy = oy * p->stride_y - p->top, ix = ox * p->stride_x - p->left;
      int32_t row, row_end, column, column_end, o = 0;
      nas_inside(iy, p->rows, p->dilation_y, p->height, &row, &row_end);
      nas_inside(ix, p->columns, p->dilation_x, p->width, &column, &column_end);
      taps.x = layer->a + ((iy + row * p->dilation_y) * p->width + ix + column * p->dilation_x) * channels;
      taps.w = p->weights + (row * p->columns + column) * out;
      taps.rows = row_end - row;
      taps.columns = column_end - column;
      taps.x_row = p->dilation_y * p->width * channels - taps.columns * taps.step;
      taps.w_row = (p->columns - taps.columns) * out;
#ifdef NAS_MVE
      if (each == 1)
        for (; o < out; o += 8) nas_eight_channels(p, &taps, o, y);
#else
      if (each == 1)
        for (; o + 4 <= out; o += 4) nas_four_channels(p, &taps, o, y);
#endif
      for (; o < out; o++) nas_one_channel(p, &taps, o / each, o, y);
    }
}
