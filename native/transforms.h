/*
 * The transforms of 3x3 convolutions over tiles of 4x4 outputs (Winograd, F(4x4, 3x3)). With y = A' [(G g G') (B' d B)] A for
 * a tile d of 6x6 inputs and a kernel g, 36 products replace 9 x 16 of them. Backward: dg = G' [sum of (B' d B) (A dy A')] G.
 */
#ifndef NAS_TRANSFORMS_H
#define NAS_TRANSFORMS_H

#include "vector.h"

enum { SIDE = 4 /* outputs of a tile */, SPAN = 6 /* its inputs */, SPOTS = SPAN * SPAN /* values of a transformed tile */ };

/* One dimension of each, from `in` (values `is` apart) to `out` (`os` apart); in and out may be the same. */
INLINE void spots_of_input(const V *in, int is, V *out, int os) {
  const V a = in[0], b = in[is], c = in[2 * is], d = in[3 * is], e = in[4 * is], f = in[5 * is];
  const V p = e - 4.f * c, q = d - 4.f * b, r = e - c, s = 2.f * (d - b);
  out[0] = 4.f * a + (e - 5.f * c), out[os] = p + q, out[2 * os] = p - q;
  out[3 * os] = r + s, out[4 * os] = r - s, out[5 * os] = 4.f * b + (f - 5.f * d);
}
INLINE void outputs_of_spots(const V *in, int is, V *out, int os) {
  const V a = in[0], b = in[is], c = in[2 * is], d = in[3 * is], e = in[4 * is], f = in[5 * is];
  const V p = b + c, q = b - c, r = d + e, s = d - e;
  out[0] = a + p + r, out[os] = q + 2.f * s, out[2 * os] = p + 4.f * r, out[3 * os] = f + (q + 8.f * s);
}
INLINE void spots_of_gradient(const V *in, int is, V *out, int os) {
  const V a = in[0], b = in[is], c = in[2 * is], d = in[3 * is];
  const V p = a + c, q = b + d, r = a + 4.f * c, s = 2.f * b + 8.f * d;
  out[0] = a, out[os] = p + q, out[2 * os] = p - q, out[3 * os] = r + s, out[4 * os] = r - s, out[5 * os] = d;
}
INLINE void spots_of_kernel(const V *in, int is, V *out, int os) {
  const V a = in[0], b = in[is], c = in[2 * is];
  const V p = (a + c) * (-1.f / 6), q = b * (1.f / 6), r = a * (1.f / 24) + c * (1.f / 6), s = b * (1.f / 12);
  out[0] = a * .25f, out[os] = p - q, out[2 * os] = p + q, out[3 * os] = r + s, out[4 * os] = r - s, out[5 * os] = c;
}
INLINE void kernel_of_spots(const V *in, int is, V *out, int os) {
  const V a = in[0], b = in[is], c = in[2 * is], d = in[3 * is], e = in[4 * is], f = in[5 * is];
  const V p = (b + c) * (1.f / 6), q = d + e;
  out[0] = a * .25f - p + q * (1.f / 24), out[os] = (c - b) * (1.f / 6) + (d - e) * (1.f / 12);
  out[2 * os] = q * (1.f / 6) - p + f;
}

/*
 * Tiles of `side` x `side` values at (4 y, 4 x) of a padded plane of `width` pixels, to spots `apart` floats apart, tiles `pitch`
 * apart: SPAN values of the input, or SIDE of the gradient of the output.
 */
INLINE void transform_tiles(const float *padded, int width, int rows, int columns, float *out, long apart, long pitch,
                            const int side) {
  for (int y = 0; y < rows; y++)
    for (int x = 0; x < columns; x++, out += pitch)
      for (int v = 0; v < BLOCK; v += VL) {
        const float *from = padded + ((long)y * SIDE * width + x * SIDE) * BLOCK + v;
        V d[SPOTS];
#pragma GCC unroll 6
        for (int i = 0; i < side; i++) {
          V row[SPAN];
#pragma GCC unroll 6
          for (int j = 0; j < side; j++) row[j] = load(from + ((long)i * width + j) * BLOCK);
          if (side == SPAN) spots_of_input(row, 1, d + i * SPAN, 1);
          else spots_of_gradient(row, 1, d + i * SPAN, 1);
        }
#pragma GCC unroll 6
        for (int j = 0; j < SPAN; j++) {
          V column[SPAN];
          if (side == SPAN) spots_of_input(d + j, SPAN, column, 1);
          else spots_of_gradient(d + j, SPAN, column, 1);
#pragma GCC unroll 6
          for (int i = 0; i < SPAN; i++) store(out + (i * SPAN + j) * apart + v, column[i]);
        }
      }
}

static inline void transform_input(const float *padded, int width, int rows, int columns, float *out, long apart, long pitch) {
  transform_tiles(padded, width, rows, columns, out, apart, pitch, SPAN);
}
static inline void transform_gradient(const float *padded, int width, int rows, int columns, float *out, long apart,
                                      long pitch) {
  transform_tiles(padded, width, rows, columns, out, apart, pitch, SIDE);
}

/* One tile of outputs of 16 channels, of which the first `rows` x `columns` are stored; sums [2][16]: added to, if not NULL. */
INLINE void transform_output(const float *spots, long apart, float *out, int width, int rows, int columns, float *sums) {
  for (int v = 0; v < BLOCK; v += VL) {
    V d[SIDE * SPAN], s = zero(), q = zero();
#pragma GCC unroll 6
    for (int j = 0; j < SPAN; j++) {
      V column[SPAN];
#pragma GCC unroll 6
      for (int i = 0; i < SPAN; i++) column[i] = load(spots + (i * SPAN + j) * apart + v);
      outputs_of_spots(column, 1, d + j, SPAN);
    }
#pragma GCC unroll 4
    for (int i = 0; i < SIDE; i++) {
      V row[SIDE];
      outputs_of_spots(d + i * SPAN, 1, row, 1);
      float *to = out + (long)i * width * BLOCK + v;
      if (columns == SIDE && i < rows) {
#pragma GCC unroll 4
        for (int j = 0; j < SIDE; j++) store(to + j * BLOCK, row[j]);
        s += (row[0] + row[1]) + (row[2] + row[3]);
        q += (row[0] * row[0] + row[1] * row[1]) + (row[2] * row[2] + row[3] * row[3]);
      } else if (i < rows) {
#pragma GCC unroll 4
        for (int j = 0; j < SIDE; j++)
          if (j < columns) store(to + j * BLOCK, row[j]), s += row[j], q += row[j] * row[j];
      }
    }
    if (sums) store(sums + v, load(sums + v) + s), store(sums + BLOCK + v, load(sums + BLOCK + v) + q);
  }
}

/* One row (of lanes) of a panel: nine taps, `step` floats apart, to 36 spots, `apart` floats apart. */
INLINE void transform_kernel(const float *taps, long step, float *out, long apart) {
  V g[9], d[3 * SPAN];
#pragma GCC unroll 9
  for (int t = 0; t < 9; t++) g[t] = load(taps + t * step);
#pragma GCC unroll 3
  for (int i = 0; i < 3; i++) spots_of_kernel(g + 3 * i, 1, d + i * SPAN, 1);
#pragma GCC unroll 6
  for (int j = 0; j < SPAN; j++) {
    V column[SPAN];
    spots_of_kernel(d + j, SPAN, column, 1);
#pragma GCC unroll 6
    for (int i = 0; i < SPAN; i++) store(out + (i * SPAN + j) * apart, column[i]);
  }
}

/* Adds the gradient of the kernel, from 36 spots to nine taps. */
INLINE void transform_kernel_gradient(const float *spots, long apart, float *taps, long step) {
  V d[3 * SPAN];
#pragma GCC unroll 6
  for (int j = 0; j < SPAN; j++) {
    V column[SPAN];
#pragma GCC unroll 6
    for (int i = 0; i < SPAN; i++) column[i] = load(spots + (i * SPAN + j) * apart);
    kernel_of_spots(column, 1, d + j, SPAN);
  }
#pragma GCC unroll 3
  for (int i = 0; i < 3; i++) {
    V g[3];
    kernel_of_spots(d + i * SPAN, 1, g, 1);
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) store(taps + (3 * i + j) * step, load(taps + (3 * i + j) * step) + g[j]);
  }
}

#endif
