/* Sums of two pixels and two channels: x0 w0, x0 w1, x1 w0, x1 w1. */
NAS_INLINE void nas_dot(const int8_t *x0, const int8_t *x1, const int8_t *w0, const int8_t *w1, int32_t length, int32_t sums[4]) {
  int32_t a = 0, b = 0, c = 0, d = 0;
#if defined(NAS_MVE)
  for (; length > 0; length -= 16, x0 += 16, x1 += 16, w0 += 16, w1 += 16) {
    const mve_pred16_t lanes = vctp8q((uint32_t)length);
    const int8x16_t p = vldrbq_z_s8(x0, lanes), q = vldrbq_z_s8(x1, lanes);
    const int8x16_t v = vldrbq_z_s8(w0, lanes), w = vldrbq_z_s8(w1, lanes);
    a = vmladavaq_p_s8(a, p, v, lanes);
    b = vmladavaq_p_s8(b, p, w, lanes);
    c = vmladavaq_p_s8(c, q, v, lanes);
    d = vmladavaq_p_s8(d, q, w, lanes);
  }
#else
#if defined(NAS_DSP)
  for (const int8_t *end = x0 + (length & ~3); x0 != end; x0 += 4, x1 += 4, w0 += 4, w1 += 4) {
    const uint32_t p = nas_load(x0), q = nas_load(x1), v = nas_load(w0), w = nas_load(w1);
    uint32_t pixel0 = nas_even(p), pixel1 = nas_even(q), weight = nas_even(v);
    a = nas_dual(pixel0, weight, a);
    c = nas_dual(pixel1, weight, c);
    weight = nas_even(w);
    b = nas_dual(pixel0, weight, b);
    d = nas_dual(pixel1, weight, d);
    pixel0 = nas_odd(p), pixel1 = nas_odd(q), weight = nas_odd(v);
    a = nas_dual(pixel0, weight, a);
    c = nas_dual(pixel1, weight, c);
    weight = nas_odd(w);
    b = nas_dual(pixel0, weight, b);
    d = nas_dual(pixel1, weight, d);
  }
  length &= 3;
#endif
  for (int32_t i = 0; i < length; i++) {
    const int32_t p = x0[i], q = x1[i], v = w0[i], w = w1[i];
    a += p * v;
    b += p * w;
    c += q * v;
    d += q * w;
  }
#endif
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
}

/* The window of an output pixel, for one group: where it is, or copied to `to`, with zeros around the image. */
NAS_CALLED const int8_t *nas_window(const nas_conv_params *p, const int8_t *x, int32_t pixel, int32_t group, int8_t *to) {
  const int32_t channels = p->channels, depth = channels / p->groups, rows = p->rows, columns = p->columns;
  const int32_t height = p->height, width = p->width, dilation_y = p->dilation_y, dilation_x = p->dilation_x;
  const int32_t y0 = pixel / p->out_width * p->stride_y - p->top, x0 = pixel % p->out_width * p->stride_x - p->left;
  const int8_t zero = (int8_t)p->zero;
  x += (y0 * width + x0) * channels + group * depth;
  if (to == 0) return x;
  int8_t *at = to;
  /* Pixels of a row lie behind each other. */
  const int is_run = dilation_x == 1 && depth == channels && x0 >= 0 && x0 + columns <= width;
  for (int32_t row = 0; row < rows; row++) {
    const int32_t iy = y0 + row * dilation_y;
    const int has_row = iy >= 0 && iy < height;
    const int8_t *from = x + row * dilation_y * width * channels;
    if (has_row && is_run) {
      int32_t rest = columns * depth;
#ifdef NAS_DSP
      for (; rest >= 4; rest -= 4, at += 4, from += 4) nas_save(at, nas_load(from));
#endif
      for (; rest > 0; rest--) *at++ = *from++;
      continue;
    }
    for (int32_t column = 0; column < columns; column++, from += dilation_x * channels) {
      const int32_t ix = x0 + column * dilation_x;
      if (has_row && ix >= 0 && ix < width)
        for (int32_t i = 0; i < depth; i++) *at++ = from[i];
      else
        for (int32_t i = 0; i < depth; i++) *at++ = zero;
    }
  }
  return to;
}

/* All channels of a group, of two pixels; a last pixel alone is computed twice, as is a last channel. */
NAS_CALLED void nas_two_pixels(const nas_conv_params *p, const int8_t *x0, const int8_t *x1, int8_t *y0, int8_t *y1, int32_t group, int32_t length) {
  const int32_t each = p->out_channels / p->groups, zero = p->out_zero, low = p->low, high = p->high;
  const int8_t *w = p->weights + group * each * length;
  for (int32_t o = group * each, end = o + each; o < end; o += 2, w += 2 * length) {
    const int32_t next = o + 1 < end;
    int32_t sums[4];
    nas_dot(x0, x1, w, w + next * length, length, sums);
    const int32_t bias0 = p->bias[o], mantissa0 = p->mantissa[o], right0 = p->right[o];
    y0[o] = nas_byte(nas_scaled(sums[0] + bias0, mantissa0, right0) + zero, low, high);
    y1[o] = nas_byte(nas_scaled(sums[2] + bias0, mantissa0, right0) + zero, low, high);
    const int32_t o1 = o + next, bias1 = p->bias[o1], mantissa1 = p->mantissa[o1], right1 = p->right[o1];
    y0[o1] = nas_byte(nas_scaled(sums[1] + bias1, mantissa1, right1) + zero, low, high);
    y1[o1] = nas_byte(nas_scaled(sums[3] + bias1, mantissa1, right1) + zero, low, high);
  }
}

NAS_KERNEL void nas_conv(const nas_layer *layer) {
  const nas_conv_params *p = layer->params;
  const int32_t length = p->rows * p->columns * (p->channels / p->groups), out = p->out_channels;
  const int32_t pixels = p->out_height * p->out_width;
  int8_t *y = layer->y, *first = layer->scratch, *second = first ? first + length : 0;
  for (int32_t pixel = 0; pixel < pixels; pixel += 2, y += 2 * out) {
    const int has_second = pixel + 1 < pixels;
    for (int32_t group = 0; group < p->groups; group++) {
      const int8_t *x0 = nas_window(p, layer->a, pixel, group, first);
      const int8_t *x1 = has_second ? nas_window(p, layer->a, pixel + 1, group, second) : x0;
      nas_two_pixels(p, x0, x1, y, has_second ? y + out : y, group, length);
    }
  }
}
