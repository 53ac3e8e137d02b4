/*
 * The register kernels of depthwise convolutions, over one block of channels of planes that are padded by zeros.
 */
#ifndef NAS_TAPS_H
#define NAS_TAPS_H

#include "maps.h"

enum { TILE = 8 /* pixels of a row at once */, WIDEST = 7 /* kernels with kernels of their own; others share one */ };

/* rows x cols outputs: out[y][x] = the sum over ky < kh, kx < kw of in[y stride + ky][x stride + kx] taps[ky][kx]. */
struct correlation {
  const float *in;
  long in_row; /* floats from a row to the next */
  const float *taps; /* [kh][kw][16] */
  int kh, kw, stride;
  float *out;
  long out_row, out_pixel;
  int rows, cols;
  /* What the outputs are multiplied by, unless it is NULL: slope, or, with `most`, 1 where 0 < slope < most, else 0. */
  const float *slope;
  long slope_row, slope_pixel;
  float most;
  float *sums, *squares; /* [16] each, or NULL: sums of the outputs, and of their squares, are added */
};

/* T pixels of a row. All of T, KW and S are constants after inlining: c stays in registers. */
INLINE void tile_taps(V c[TILE], const int T, const int KW, const int S, const struct correlation *k, const float *in,
                      const float *w) {
  for (int ky = 0; ky < k->kh; ky++, in += k->in_row, w += KW * BLOCK) {
    V taps[WIDEST];
#pragma GCC unroll 8
    for (int kx = 0; kx < KW; kx++) taps[kx] = load(w + kx * BLOCK);
#pragma GCC unroll 32
    for (int ix = 0; ix < (T - 1) * S + KW; ix++) {
      const V v = load(in + ix * BLOCK);
#pragma GCC unroll 8
      for (int kx = 0; kx < KW; kx++)
        if (ix >= kx && (ix - kx) % S == 0 && (ix - kx) / S < T) c[(ix - kx) / S] += v * taps[kx];
    }
  }
}

/* The same for any kernel and stride. */
INLINE void tile_any(V c[TILE], const int T, const struct correlation *k, const float *in, const float *w) {
  for (int ky = 0; ky < k->kh; ky++, in += k->in_row)
    for (int kx = 0; kx < k->kw; kx++, w += BLOCK) {
      const V tap = load(w);
#pragma GCC unroll 8
      for (int i = 0; i < T; i++) c[i] += load(in + (i * k->stride + kx) * BLOCK) * tap;
    }
}

INLINE void tile(const int T, const int KW, const int S, const struct correlation *k, const float *in, float *out,
                 const float *slope, V sums[BV], V squares[BV]) {
#pragma GCC unroll 4
  for (int v = 0; v < BV; v++) {
    V c[TILE];
#pragma GCC unroll 8
    for (int i = 0; i < T; i++) c[i] = zero();
    if (KW > 0) tile_taps(c, T, KW, S, k, in + v * VL, k->taps + v * VL);
    else tile_any(c, T, k, in + v * VL, k->taps + v * VL);
    if (slope != 0) {
      if (k->most > 0) {
        const V most = all(k->most);
#pragma GCC unroll 8
        for (int i = 0; i < T; i++) {
          const V value = load(slope + i * k->slope_pixel + v * VL);
          c[i] = only((value > 0.f) & (value < most), c[i]);
        }
      } else {
#pragma GCC unroll 8
        for (int i = 0; i < T; i++) c[i] *= load(slope + i * k->slope_pixel + v * VL);
      }
    }
    V sum = zero();
#pragma GCC unroll 8
    for (int i = 0; i < T; i++) {
      store(out + i * k->out_pixel + v * VL, c[i]);
      sum += c[i];
    }
    sums[v] += sum;
    if (k->squares == 0) continue;
    V square = zero();
#pragma GCC unroll 8
    for (int i = 0; i < T; i++) square += c[i] * c[i];
    squares[v] += square;
  }
}

INLINE void correlate_with(const struct correlation *k, const int KW, const int S) {
  V sums[BV], squares[BV];
  for (int v = 0; v < BV; v++) sums[v] = squares[v] = zero();
  /* Tiles of nearly the same width: no tile is narrow. */
  const int tiles = k->cols > TILE ? (k->cols + TILE - 1) / TILE : 1, least = k->cols / tiles, wider = k->cols % tiles;
  const long step = (long)k->stride * BLOCK;
  for (int y = 0; y < k->rows; y++) {
    const float *in = k->in + y * k->stride * k->in_row;
    float *out = k->out + y * k->out_row;
    const float *slope = k->slope == 0 ? 0 : k->slope + y * k->slope_row;
    for (int t = 0; t < tiles; t++) {
      const int width = least + (t < wider);
      switch (width) {
      case 8: tile(8, KW, S, k, in, out, slope, sums, squares); break;
      case 7: tile(7, KW, S, k, in, out, slope, sums, squares); break;
      case 6: tile(6, KW, S, k, in, out, slope, sums, squares); break;
      case 5: tile(5, KW, S, k, in, out, slope, sums, squares); break;
      case 4: tile(4, KW, S, k, in, out, slope, sums, squares); break;
      case 3: tile(3, KW, S, k, in, out, slope, sums, squares); break;
      case 2: tile(2, KW, S, k, in, out, slope, sums, squares); break;
      case 1: tile(1, KW, S, k, in, out, slope, sums, squares); break;
      }
      in += width * step;
      out += width * k->out_pixel;
      if (slope != 0) slope += width * k->slope_pixel;
    }
  }
  if (k->sums == 0) return;
  for (int v = 0; v < BV; v++) {
    store(k->sums + v * VL, load(k->sums + v * VL) + sums[v]);
    if (k->squares != 0) store(k->squares + v * VL, load(k->squares + v * VL) + squares[v]);
  }
}

#define CORRELATE(KW, S)                                                                                                       \
  static __attribute__((noinline)) void correlate_##KW##_##S(const struct correlation *k) { correlate_with(k, KW, S); }
CORRELATE(1, 1) CORRELATE(2, 1) CORRELATE(3, 1) CORRELATE(4, 1) CORRELATE(5, 1) CORRELATE(7, 1)
CORRELATE(3, 2) CORRELATE(5, 2) CORRELATE(7, 2) CORRELATE(0, 0)
#undef CORRELATE

static void correlate(const struct correlation *k) {
  if (k->stride == 1) switch (k->kw) {
    case 1: correlate_1_1(k); return;
    case 2: correlate_2_1(k); return;
    case 3: correlate_3_1(k); return;
    case 4: correlate_4_1(k); return;
    case 5: correlate_5_1(k); return;
    case 7: correlate_7_1(k); return;
    }
  if (k->stride == 2) switch (k->kw) {
    case 3: correlate_3_2(k); return;
    case 5: correlate_5_2(k); return;
    case 7: correlate_7_2(k); return;
    }
  correlate_0_0(k);
}

/* The gradient of taps: dtaps[ky][kx] += the sum over y < rows, x < cols of dy[y][x] in[y stride + ky][x stride + kx]. */
struct tap_gradient {
  const float *in;
  long in_row;
  const float *dy;
  long dy_row;
  int rows, cols, kernel, stride;
  float *dtaps; /* [kernel][kernel][16] */
};

/* T neighbours of a row, KH x KW taps. */
INLINE void add_taps(V c[4][WIDEST], const int T, const int KH, const int KW, const int S, const float *in, long in_row,
                     const float *dy) {
  V d[4];
#pragma GCC unroll 4
  for (int i = 0; i < T; i++) d[i] = load(dy + i * BLOCK);
#pragma GCC unroll 8
  for (int ky = 0; ky < KH; ky++)
#pragma GCC unroll 16
    for (int ix = 0; ix < (T - 1) * S + KW; ix++) {
      const V v = load(in + ky * in_row + ix * BLOCK);
#pragma GCC unroll 8
      for (int kx = 0; kx < KW; kx++)
        if (ix >= kx && (ix - kx) % S == 0 && (ix - kx) / S < T) c[ky][kx] += v * d[(ix - kx) / S];
    }
}

/* The taps (ky, kx) .. (ky + KH - 1, kx + KW - 1), from some rows. */
INLINE void taps_with(const struct tap_gradient *g, const int T, const int KH, const int KW, const int S, int ky, int kx,
                      int first, int last) {
  for (int v = 0; v < BLOCK; v += VL) {
    V c[4][WIDEST];
#pragma GCC unroll 8
    for (int i = 0; i < KH; i++)
#pragma GCC unroll 8
      for (int j = 0; j < KW; j++) c[i][j] = zero();
    for (int y = first; y < last; y++) {
      const float *in = g->in + (y * S + ky) * g->in_row + kx * BLOCK + v, *dy = g->dy + y * g->dy_row + v;
      int x = 0;
      for (; x + T <= g->cols; x += T) add_taps(c, T, KH, KW, S, in + x * S * BLOCK, g->in_row, dy + x * BLOCK);
      for (; x < g->cols; x++) add_taps(c, 1, KH, KW, S, in + x * S * BLOCK, g->in_row, dy + x * BLOCK);
    }
#pragma GCC unroll 8
    for (int i = 0; i < KH; i++)
#pragma GCC unroll 8
      for (int j = 0; j < KW; j++) {
        float *to = g->dtaps + ((ky + i) * g->kernel + kx + j) * BLOCK + v;
        store(to, load(to) + c[i][j]);
      }
  }
}

/* All taps of a K x K kernel, as many rows of taps at once as registers hold. Sums have two levels: some rows, then all. */
INLINE void taps_of(const struct tap_gradient *g, const int K, const int S) {
  const int KH = VL == 8 ? (K == 3 ? 3 : K == 5 ? 2 : 1) : K == 3 ? 3 : K == 5 ? 3 : 3, T = K == 3 || VL == 8 ? 4 : 2;
  const int step = g->cols > 256 ? 1 : 256 / g->cols;
  for (int first = 0; first < g->rows; first += step) {
    const int last = first + step < g->rows ? first + step : g->rows;
    int ky = 0;
    for (; ky + KH <= K; ky += KH) taps_with(g, T, KH, K, S, ky, 0, first, last);
    if (K % KH > 0) taps_with(g, T, K % KH, K, S, ky, 0, first, last);
  }
}

#define TAPS(K, S) static __attribute__((noinline)) void taps_##K##_##S(const struct tap_gradient *g) { taps_of(g, K, S); }
TAPS(3, 1) TAPS(5, 1) TAPS(7, 1) TAPS(3, 2) TAPS(5, 2) TAPS(7, 2)
#undef TAPS

/* Any kernel and stride: a tap at a time, for pixels of a row in turn. */
static __attribute__((noinline)) void taps_any(const struct tap_gradient *g) {
  for (int ky = 0; ky < g->kernel; ky++)
    for (int kx = 0; kx < g->kernel; kx++)
      for (int v = 0; v < BLOCK; v += VL) {
        V c = zero(), other = zero();
        for (int y = 0; y < g->rows; y++) {
          const float *in = g->in + (y * g->stride + ky) * g->in_row + kx * BLOCK + v, *dy = g->dy + y * g->dy_row + v;
          const long step = (long)g->stride * BLOCK;
          int x = 0;
          for (; x + 2 <= g->cols; x += 2) {
            c += load(in + x * step) * load(dy + x * BLOCK);
            other += load(in + (x + 1) * step) * load(dy + (x + 1) * BLOCK);
          }
          if (x < g->cols) c += load(in + x * step) * load(dy + x * BLOCK);
        }
        float *to = g->dtaps + (ky * g->kernel + kx) * BLOCK + v;
        store(to, load(to) + (c + other));
      }
}

static void tap_gradients(const struct tap_gradient *g) {
  const int s = g->stride;
  switch (s == 1 || s == 2 ? g->kernel : 0) {
  case 3: if (s == 1) taps_3_1(g); else taps_3_2(g); return;
  case 5: if (s == 1) taps_5_1(g); else taps_5_2(g); return;
  case 7: if (s == 1) taps_7_1(g); else taps_7_2(g); return;
  default: taps_any(g);
  }
}

#endif
