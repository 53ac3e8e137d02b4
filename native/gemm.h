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
 * c[i][j] += sum over k of a[i * pitch + k] * b[k * PANEL + j * VL], for ROWS pixels, nv <= PV vectors and `length` values of k.
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
#endif
