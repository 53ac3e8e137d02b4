/*
 * The register kernels of convolutions: a tile of pixels, or of rows of the weights, by their addresses in padded planes.
 * Row r of the weights belongs to value planes[rows[r] + pixels[p]] for output pixel p.
 */
#ifndef NAS_TILES_H
#define NAS_TILES_H

#include "pack.h"
#include "padded.h"

/* Output pixels whose products with dy are summed in registers: dy stays in the first cache. */
enum { SUM_PIXELS = 128 };

/* Neighbouring rows of the weights that belong to neighbouring values of a padded plane. */
struct run_of_rows {
  int32_t from, row, length;
};

/* The tile's pixels: pointers[i] + from + k is value k of a run; output vector j of pixel i goes to out + targets[i]. */
struct tile_output {
  float *out;
  long block; /* floats from one block to the next */
  float *sums; /* [2][PANEL]: sums of the output and of its squares; or NULL */
};

INLINE void store_tile(V c[ROWS][PV], const int nv, const struct tile_output *output, const int32_t *targets, int count) {
#pragma GCC unroll 4
  for (int j = 0; j < nv; j++) {
    float *out = output->out + j * VL / BLOCK * output->block + j * VL % BLOCK;
    V s = zero(), q = zero();
    if (count >= ROWS) {
#pragma GCC unroll 16
      for (int i = 0; i < ROWS; i++) store(out + targets[i], c[i][j]), s += c[i][j], q += c[i][j] * c[i][j];
    } else {
#pragma GCC unroll 16
      for (int i = 0; i < ROWS; i++)
        if (i < count) store(out + targets[i], c[i][j]), s += c[i][j], q += c[i][j] * c[i][j];
    }
    if (output->sums) {
      float *sums = output->sums + j * VL;
      store(sums, load(sums) + s), store(sums + PANEL, load(sums + PANEL) + q);
    }
  }
}

INLINE void conv_tiles_with(const int nv, const float *planes, const int32_t *pixels, const int32_t *targets, int count,
                          const struct run_of_rows *runs, int run_count, const float *weights, long next,
                          const struct tile_output *output) {
  for (int p = 0; p < count; p += ROWS, next = 0) {
    const float *a[ROWS];
    V c[ROWS][PV];
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
      a[i] = planes + pixels[p + i < count ? p + i : count - 1];
#pragma GCC unroll 4
      for (int j = 0; j < nv; j++) c[i][j] = zero();
    }
    for (int r = 0; r < run_count; r++) {
      const float *w = weights + (long)runs[r].row * PANEL;
#pragma GCC unroll 2
      for (long k = runs[r].from, end = k + runs[r].length; k < end; k++, w += PANEL) {
        V b[PV];
#pragma GCC unroll 2
        for (int j = 0; j < PANEL; j += BLOCK) __builtin_prefetch(w + next + j, 0, 2);
#pragma GCC unroll 4
        for (int j = 0; j < nv; j++) b[j] = load(w + j * VL);
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; i++) {
          const V x = all(a[i][k]);
#pragma GCC unroll 4
          for (int j = 0; j < nv; j++) c[i][j] += x * b[j];
        }
      }
    }
    store_tile(c, nv, output, targets + p, count - p);
  }
}

/* Vectors of a panel that have channels. */
INLINE int vectors_of(int channels, int panel) {
  const int vectors = blocks_of(channels - panel * PANEL) * BV;
  return vectors < PV ? vectors : PV;
}

/*
 * Output pixels of one panel: sums over the runs of plane values times weights. `next`: floats from these weights to others
 * that are asked for meanwhile; 0: none.
 */
static void conv_tiles(int vectors, const float *planes, const int32_t *pixels, const int32_t *targets, int count,
                       const struct run_of_rows *runs, int run_count, const float *weights, long next,
                       const struct tile_output *output) {
  if (vectors == PV) conv_tiles_with(PV, planes, pixels, targets, count, runs, run_count, weights, next, output);
  else conv_tiles_with(BV, planes, pixels, targets, count, runs, run_count, weights, next, output);
}

INLINE void conv_sums_with(const int nv, const int adds, const float *planes, const int32_t *rows, int row_count,
                           const int32_t *pixels, int count, const float *dy, long block, float *dweights) {
  for (int r = 0; r < row_count; r += ROWS) {
    const float *a[ROWS];
    V c[ROWS][PV];
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
      a[i] = planes + rows[r + i < row_count ? r + i : row_count - 1];
#pragma GCC unroll 4
      for (int j = 0; j < nv; j++) c[i][j] = zero();
    }
    const float *d = dy;
#pragma GCC unroll 2
    for (int p = 0; p < count; p++, d += BLOCK) {
      const long pixel = pixels[p];
      V b[PV];
#pragma GCC unroll 4
      for (int j = 0; j < nv; j++) b[j] = load(d + j * VL / BLOCK * block + j * VL % BLOCK);
#pragma GCC unroll 16
      for (int i = 0; i < ROWS; i++) {
        const V x = all(a[i][pixel]);
#pragma GCC unroll 4
        for (int j = 0; j < nv; j++) c[i][j] += x * b[j];
      }
    }
    float *out = dweights + (long)r * PANEL;
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
      if (r + i >= row_count) break;
#pragma GCC unroll 4
      for (int j = 0; j < nv; j++) store(out + i * PANEL + j * VL, adds ? load(out + i * PANEL + j * VL) + c[i][j] : c[i][j]);
    }
  }
}

/*
 * All rows of one panel: the sums over pixels of plane values times dy ([blocks][pixels][16], `block` floats from one to the
 * next); added to what is there, or in its place.
 */
static void conv_sums(int vectors, int adds, const float *planes, const int32_t *rows, int row_count, const int32_t *pixels,
                      int count, const float *dy, long block, float *dweights) {
  for (int p = 0; p < count; p += SUM_PIXELS, adds = 1) {
    const int some = count - p < SUM_PIXELS ? count - p : SUM_PIXELS;
    const float *d = dy + (long)p * BLOCK;
    if (vectors == PV) conv_sums_with(PV, adds, planes, rows, row_count, pixels + p, some, d, block, dweights);
    else conv_sums_with(BV, adds, planes, rows, row_count, pixels + p, some, d, block, dweights);
  }
}

#endif
