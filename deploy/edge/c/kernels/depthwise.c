/* The taps of a window from `first` to before `end` that lie inside of `size` pixels. */
NAS_INLINE void nas_inside(int32_t from, int32_t taps, int32_t step, int32_t size, int32_t *first, int32_t *end) {
  int32_t a = 0, b = taps;
  while (a < b && from + a * step < 0) a++;
  while (b > a && from + (b - 1) * step >= size) b--;
  *first = a;
  *end = b;
}

NAS_KERNEL void nas_depthwise(const nas_layer *layer) {
  const nas_conv_params *p = layer->params;
  const int32_t channels = p->channels, out = p->out_channels, each = out / channels, zero = p->zero;
  const int32_t step = p->dilation_x * channels, out_zero = p->out_zero, low = p->low, high = p->high;
  const int32_t *bias = p->bias, *mantissa = p->mantissa;
  const int8_t *shift = p->shift;
  int8_t *y = layer->y;
#ifdef NAS_DSP
  const uint32_t zeros = ((uint32_t)-zero & 0xffff) * 0x10001u;
#endif
  for (int32_t oy = 0; oy < p->out_height; oy++)
    for (int32_t ox = 0; ox < p->out_width; ox++, y += out) {
      const int32_t iy = oy * p->stride_y - p->top, ix = ox * p->stride_x - p->left;
      int32_t row0, row1, column0, column1, o = 0;
      nas_inside(iy, p->rows, p->dilation_y, p->height, &row0, &row1);
      nas_inside(ix, p->columns, p->dilation_x, p->width, &column0, &column1);
      if (each == 1)
        for (; o + 4 <= out; o += 4) {
          int32_t a = bias[o], b = bias[o + 1], c = bias[o + 2], d = bias[o + 3];
          for (int32_t row = row0; row < row1; row++) {
            const int8_t *x = layer->a + ((iy + row * p->dilation_y) * p->width + ix + column0 * p->dilation_x) * channels + o;
            const int8_t *w = p->weights + (row * p->columns + column0) * out + o;
            for (int32_t column = column0; column < column1; column++, x += step, w += out) {
#ifdef NAS_DSP
              const uint32_t v = nas_load(x), u = nas_load(w);
              const uint32_t even = nas_add_even(zeros, v), odd = nas_add_odd(zeros, v);
              const uint32_t even_weights = nas_even(u), odd_weights = nas_odd(u);
              a = nas_low(even, even_weights, a);
              b = nas_low(odd, odd_weights, b);
              c = nas_high(even, even_weights, c);
              d = nas_high(odd, odd_weights, d);
#else
              a += (x[0] - zero) * w[0];
              b += (x[1] - zero) * w[1];
              c += (x[2] - zero) * w[2];
              d += (x[3] - zero) * w[3];
#endif
            }
          }
          y[o] = nas_byte(nas_scaled(a, mantissa[o], shift[o]) + out_zero, low, high);
          y[o + 1] = nas_byte(nas_scaled(b, mantissa[o + 1], shift[o + 1]) + out_zero, low, high);
          y[o + 2] = nas_byte(nas_scaled(c, mantissa[o + 2], shift[o + 2]) + out_zero, low, high);
          y[o + 3] = nas_byte(nas_scaled(d, mantissa[o + 3], shift[o + 3]) + out_zero, low, high);
        }
      for (; o < out; o++) {
        int32_t sum = bias[o];
        for (int32_t row = row0; row < row1; row++)
          for (int32_t column = column0; column < column1; column++)
            sum += (layer->a[((iy + row * p->dilation_y) * p->width + ix + column * p->dilation_x) * channels + o / each] - zero) *
                   p->weights[(row * p->columns + column) * out + o];
        y[o] = nas_byte(nas_scaled(sum, mantissa[o], shift[o]) + out_zero, low, high);
      }
    }
}
