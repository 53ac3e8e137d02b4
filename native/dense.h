/* Small products with row-major matrices of any width, as squeeze-excite has them in TF.js's layout. */
#ifndef NAS_DENSE_H
#define NAS_DENSE_H

#include "maps.h"

/* A matrix of `rows` rows of `width` values, in memory with `pitch` values a row; nothing after `end` is read. */
struct matrix {
  const float *values, *end;
  long pitch;
  int rows, width;
};

/* Images that are worked on at once, and vectors of a row: both fit the registers. */
enum { DENSE_IMAGES = 4, DENSE_VECTORS = VL == 16 ? 4 : 2 };

/* All bits set in the lanes that are below `count`. */
INLINE I lanes_below(int count) {
  int32_t lanes[VL];
  I mask;
  for (int i = 0; i < VL; i++) lanes[i] = i < count ? -1 : 0;
  memcpy(&mask, lanes, sizeof mask);
  return mask;
}

/* A vector of which only what lies before `end` is read. */
INLINE V load_before(const float *p, const float *end) {
  if (end - p >= VL) return load(p);
  float lanes[VL] = {0};
  for (int i = 0; i < VL && p + i < end; i++) lanes[i] = p[i];
  return load(lanes);
}

/* Stores the first `count` lanes, all where there are more. */
INLINE void store_below(float *p, V v, int count) {
  if (count >= VL) {
    store(p, v);
    return;
  }
  float lanes[VL];
  store(lanes, v);
  for (int i = 0; i < count; i++) p[i] = lanes[i];
}

INLINE void dense_tile(const int images, const int nv, const float *in, long in_pitch, const struct matrix *m, const float *bias,
                       float *out, long out_pitch, int column) {
  V c[DENSE_IMAGES][DENSE_VECTORS];
#pragma GCC unroll 4
  for (int j = 0; j < nv; j++) {
    const V b = load_before(bias + column + j * VL, bias + m->width);
#pragma GCC unroll 4
    for (int i = 0; i < images; i++) c[i][j] = b;
  }
  const float *row = m->values + column;
  int k = 0;
  for (; k < m->rows && m->end - row >= nv * VL; k++, row += m->pitch) {
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++) {
      const V w = load(row + j * VL);
#pragma GCC unroll 4
      for (int i = 0; i < images; i++) c[i][j] += all(in[i * in_pitch + k]) * w;
    }
  }
  for (; k < m->rows; k++, row += m->pitch) {
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++) {
      const V w = load_before(row + j * VL, m->end);
#pragma GCC unroll 4
      for (int i = 0; i < images; i++) c[i][j] += all(in[i * in_pitch + k]) * w;
    }
  }
#pragma GCC unroll 4
  for (int j = 0; j < nv; j++)
#pragma GCC unroll 4
    for (int i = 0; i < images; i++)
      store(out + i * out_pitch + column + j * VL, only(lanes_below(m->width - column - j * VL), c[i][j]));
}

/* out[i] = bias + in[i] m for some images; rows of `out` are padded to blocks, with zeros beyond the width. */
INLINE void dense_with(const int images, const float *in, long in_pitch, const struct matrix *m, const float *bias, float *out,
                       long out_pitch) {
  const int padded = blocks_of(m->width) * BLOCK;
  int column = 0;
  for (; column + DENSE_VECTORS * VL <= padded; column += DENSE_VECTORS * VL)
    dense_tile(images, DENSE_VECTORS, in, in_pitch, m, bias, out, out_pitch, column);
  for (; column < padded; column += VL) dense_tile(images, 1, in, in_pitch, m, bias, out, out_pitch, column);
}

static inline void dense(int images, const float *in, long in_pitch, const struct matrix *m, const float *bias, float *out,
                         long out_pitch) {
  int i = 0;
  for (; i + DENSE_IMAGES <= images; i += DENSE_IMAGES)
    dense_with(DENSE_IMAGES, in + i * in_pitch, in_pitch, m, bias, out + i * out_pitch, out_pitch);
  for (; i < images; i++) dense_with(1, in + i * in_pitch, in_pitch, m, bias, out + i * out_pitch, out_pitch);
}

/* `rows` products of rows of m with a vector that holds zeros beyond the width. */
INLINE void dots(const int rows, const struct matrix *m, int row, const float *in, float *out) {
  V c[4];
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++) c[r] = zero();
  int column = 0;
  for (; column + VL <= m->width; column += VL) {
    const V x = load(in + column);
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) c[r] += x * load(m->values + (row + r) * m->pitch + column);
  }
  if (column < m->width) {
    const V x = load(in + column);
    const I mask = lanes_below(m->width - column);
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) c[r] += x * only(mask, load_before(m->values + (row + r) * m->pitch + column, m->end));
  }
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++) out[row + r] = lanes_sum(c[r]);
}

/* out[i] = m in[i]: products with the rows; `out` is padded to blocks with zeros. */
static inline void dense_back(int images, const float *in, long in_pitch, const struct matrix *m, float *out, long out_pitch) {
  int row = 0;
  for (; row + 4 <= m->rows; row += 4)
    for (int i = 0; i < images; i++) dots(4, m, row, in + i * in_pitch, out + i * out_pitch);
  for (; row < m->rows; row++)
    for (int i = 0; i < images; i++) dots(1, m, row, in + i * in_pitch, out + i * out_pitch);
  for (int i = 0; i < images; i++)
    for (int r = m->rows; r < blocks_of(m->rows) * BLOCK; r++) out[i * out_pitch + r] = 0;
}

INLINE void outer_tile(const int rows, const int nv, const float *a, long a_pitch, const float *b, long b_pitch, int images,
                       float *out, long pitch, int width, int first) {
  V c[4][DENSE_VECTORS];
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++) c[r][j] = first ? zero() : load_before(out + r * pitch + j * VL, out + r * pitch + width);
  for (int n = 0; n < images; n++)
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++) {
      const V v = load(b + n * b_pitch + j * VL);
#pragma GCC unroll 4
      for (int r = 0; r < rows; r++) c[r][j] += all(a[n * a_pitch + r]) * v;
    }
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++) store_below(out + r * pitch + j * VL, c[r][j], width - j * VL);
}

/* out[r][c] = (first ? 0 : out[r][c]) + the sum over images of a[n][r] b[n][c], for `rows` rows of `width` values. */
static inline void outer(int rows, int width, const float *a, long a_pitch, const float *b, long b_pitch, int images, float *out,
                         long pitch, int first) {
  for (int r = 0; r < rows;) {
    const int count = rows - r >= 4 ? 4 : 1;
    float *to = out + r * pitch;
    for (int c = 0; c < width;) {
      const int wide = width - c > (DENSE_VECTORS - 1) * VL;
      if (count == 4 && wide) outer_tile(4, DENSE_VECTORS, a + r, a_pitch, b + c, b_pitch, images, to + c, pitch, width - c, first);
      else if (count == 4) outer_tile(4, 1, a + r, a_pitch, b + c, b_pitch, images, to + c, pitch, width - c, first);
      else outer_tile(1, 1, a + r, a_pitch, b + c, b_pitch, images, to + c, pitch, width - c, first);
      c += count == 4 && wide ? DENSE_VECTORS * VL : VL;
    }
    r += count;
  }
}

#endif
