/* The register kernels of products: pixels by channels, and their sums over pixels. */
#ifndef NAS_GEMM_H
#define NAS_GEMM_H

#include "vector.h"

/* Width of a panel of weights: the output channels that one tile computes. */
#if VL == 16
#define PANEL 32
#define ROWS 8
#elif VL == 8
#define PANEL 16
#define ROWS 6
#else
#define PANEL 16
#define ROWS 6
#endif
#define PV (PANEL / VL)

/*
 * Shapes of register tiles. One tile has ROWS_OF(nv) pixels by nv vectors of channels: the accumulators, nv vectors of weights
 * and a broadcast value fill the registers. 3 vectors reach into the next panel where a panel has 2.
 */
#if VL == 16
#define ROWS_OF(nv) ((nv) == 1 ? 16 : 8)
#define MOST_VECTORS 3
#define TILE_STEP 16
#elif VL == 8
#define ROWS_OF(nv) ((nv) == 1 ? 12 : (nv) == 2 ? 6 : 4)
#define MOST_VECTORS 4 /* 3 are computed, 4 are stored: whole blocks */
#define TILE_STEP 12
#else
#define ROWS_OF(nv) ((nv) == 1 ? 16 : (nv) == 2 ? 12 : (nv) == 3 ? 8 : 6)
#define MOST_VECTORS 4
#define TILE_STEP 48
#endif
#define MOST_ROWS 16

/* The vectors of the next register tile, of `left` ones. */
INLINE int next_vectors(int left) {
#if VL == 4
  return left < 4 ? left : 4;
#else
  return left == 1 || left == 3 ? left : 2;
#endif
}

/* Calls `code` with the constant NV, 1 to the most vectors that are computed. */
#if VL == 4
#define WITH_VECTORS(nv, code)                                                                                                 \
  switch (nv) {                                                                                                                \
  case 1: { enum { NV = 1 }; code; break; }                                                                                    \
  case 2: { enum { NV = 2 }; code; break; }                                                                                    \
  case 3: { enum { NV = 3 }; code; break; }                                                                                    \
  default: { enum { NV = 4 }; code; break; }                                                                                   \
  }
#else
#define WITH_VECTORS(nv, code)                                                                                                 \
  switch (nv) {                                                                                                                \
  case 1: { enum { NV = 1 }; code; break; }                                                                                    \
  case 2: { enum { NV = 2 }; code; break; }                                                                                    \
  default: { enum { NV = 3 }; code; break; }                                                                                   \
  }
#endif

/*
 * c[i][j] += sum over k of a[i * pitch + k] * b[k * PANEL + j * VL], for ROWS pixels, nv <= PV vectors, `length` values of k.
 * ROWS and nv are constants after inlining: c stays in registers.
 */
INLINE const float *product_chunk(V c[ROWS][PV], const int nv, const float *a, long pitch, int length, const float *b) {
#pragma GCC unroll 2
  for (int k = 0; k < length; k++, b += PANEL) {
    V w[PV];
#pragma GCC unroll 8
    for (int j = 0; j < nv; j++) w[j] = load(b + j * VL);
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
      const V x = all(a[i * pitch + k]);
#pragma GCC unroll 8
      for (int j = 0; j < nv; j++) c[i][j] += x * w[j];
    }
  }
  return b;
}

/* The same for a register tile of any shape. `width`: floats from row to row of b; `second`: to the second panel. */
INLINE void product_rows(V c[MOST_ROWS][MOST_VECTORS], const int rows, const int nv, const float *a, const long pitch,
                         int length, const float *b, const long width, const long second) {
#pragma GCC unroll 2
  for (int k = 0; k < length; k++, b += width) {
    V w[MOST_VECTORS];
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++) w[j] = load(b + (j < PV ? 0 : second) + j % PV * VL);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const V x = all(a[i * pitch + k]);
#pragma GCC unroll 4
      for (int j = 0; j < nv; j++) c[i][j] += x * w[j];
    }
  }
}

/*
 * out[i * PANEL + j * VL] += sum over `count` pixels p of x[p * BLOCK + i] * y[p * BLOCK + vector j]: the gradient of weights
 * of `valid` <= rows channels of x and nv vectors of y. `plane`: floats from block to block of y; `second`: as above, of out.
 * `adds`: to what `out` holds.
 */
INLINE void outer_rows(const int rows, const int nv, int valid, const float *x, const float *y, long plane, int count,
                       float *out, long second, int adds) {
  V c[MOST_ROWS][MOST_VECTORS];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++) c[i][j] = zero();
  }
#pragma GCC unroll 2
  for (int p = 0; p < count; p++, x += BLOCK, y += BLOCK) {
    V w[MOST_VECTORS];
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++) w[j] = load(y + j / BV * plane + j % BV * VL);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const V value = all(x[i]);
#pragma GCC unroll 4
      for (int j = 0; j < nv; j++) c[i][j] += value * w[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    if (i >= valid) break;
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++) {
      float *to = out + i * PANEL + (j < PV ? 0 : second) + j % PV * VL;
      store(to, adds ? load(to) + c[i][j] : c[i][j]);
    }
  }
}

#endif
