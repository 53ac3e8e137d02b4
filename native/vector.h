/* A vector of the processor: 16, 8 or 4 floats. The library is compiled once for each (see nas.h). */
#ifndef NAS_VECTOR_H
#define NAS_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define VL 16
#elif defined(__AVX2__)
#include <immintrin.h>
#define VL 8
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#define VL 4
#else
#error "compile for AVX-512, for AVX2 with FMA, or for NEON"
#endif

/* Channels of a block of a map, and the vectors that hold them. */
#define BLOCK 16
#define BV (BLOCK / VL)

#define INLINE static inline __attribute__((always_inline))

typedef float V __attribute__((vector_size(4 * VL)));
typedef int32_t I __attribute__((vector_size(4 * VL)));
/* The same in memory, at any address. */
typedef float VMEM __attribute__((vector_size(4 * VL), aligned(4), may_alias));

INLINE V load(const float *p) { return *(const VMEM *)p; }
INLINE void store(float *p, V v) { *(VMEM *)p = v; }
INLINE V zero(void) { return (V){0}; }
INLINE V all(float x) { return x - (V){0}; }
/* a where the mask is set, else b. */
INLINE V choose(I mask, V a, V b) { return (V)(((I)a & mask) | ((I)b & ~mask)); }
/* a where the mask is set, else 0. */
INLINE V only(I mask, V a) { return (V)((I)a & mask); }

/* v where 0 < y < top, else 0. */
INLINE V between(V y, V top, V v) {
#if VL == 16
  const __mmask16 above = _mm512_cmp_ps_mask((__m512)y, _mm512_setzero_ps(), _CMP_GT_OQ);
  return (V)_mm512_maskz_mov_ps(_mm512_mask_cmp_ps_mask(above, (__m512)y, (__m512)top, _CMP_LT_OQ), (__m512)v);
#else
  return only((y > 0.f) & (y < top), v);
#endif
}

#if VL == 16
INLINE V vmin(V a, V b) { return (V)_mm512_min_ps((__m512)a, (__m512)b); }
INLINE V vmax(V a, V b) { return (V)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE V vsqrt(V a) { return (V)_mm512_sqrt_ps((__m512)a); }
#elif VL == 8
INLINE V vmin(V a, V b) { return (V)_mm256_min_ps((__m256)a, (__m256)b); }
INLINE V vmax(V a, V b) { return (V)_mm256_max_ps((__m256)a, (__m256)b); }
INLINE V vsqrt(V a) { return (V)_mm256_sqrt_ps((__m256)a); }
#else
INLINE V vmin(V a, V b) { return (V)vminq_f32((float32x4_t)a, (float32x4_t)b); }
INLINE V vmax(V a, V b) { return (V)vmaxq_f32((float32x4_t)a, (float32x4_t)b); }
INLINE V vsqrt(V a) { return (V)vsqrtq_f32((float32x4_t)a); }
#endif

/* The sum of the lanes, in a fixed order: halves are added until one lane is left. */
INLINE float lanes_sum(V v) {
#if VL == 16
  return _mm512_reduce_add_ps((__m512)v);
#elif VL == 8
  __m128 s = _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
#else
  return vaddvq_f32((float32x4_t)v);
#endif
}

/* e^x for x in [-87, 88] (values outside are clamped), relative error below 2e-7. */
INLINE V vexp(V x) {
  x = vmin(vmax(x, all(-87.f)), all(88.f));
  const V magic = all(12582912.f); /* adding it rounds to an integer */
  V t = x * 1.44269504f + magic;
  V r = t - magic;
  V f = x - r * 0.693359375f;
  f = f - r * -2.12194440e-4f;
  V p = f * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * f + 8.3334519073e-3f;
  p = p * f + 4.1665795894e-2f;
  p = p * f + 1.6666665459e-1f;
  p = p * f + 5.0000001201e-1f;
  p = p * (f * f) + (f + 1.f);
  return (V)((I)p + ((I)t << 23));
}

/* 1 / x for x in [1, 8e37] (above: 1 / x or 0), relative error below 2e-7; a division takes longer than the exponential. */
INLINE V reciprocal(V x) {
#if VL == 16
  const V r = (V)_mm512_rcp14_ps((__m512)x);
#elif VL == 8
  const V r = (V)_mm256_rcp_ps((__m256)x);
#else
  V r = (V)vrecpeq_f32((float32x4_t)x);
  r += r * (1.f - x * r);
#endif
  return r + r * (1.f - x * r);
}

/* 1 / (1 + e^-x), absolute error below 2e-7, with a shorter exponential: 2^f by a polynomial for |f| <= 1/2. */
INLINE V sigmoid(V x) {
  x = vmin(vmax(x, all(-87.f)), all(87.f));
  const V magic = all(12582912.f), t = magic - x * 1.44269504f, f = (magic - t) - x * 1.44269504f;
  V p = f * 1.32647273e-3f + 9.67151299e-3f;
  p = p * f + 5.55073358e-2f;
  p = p * f + 2.40222424e-1f;
  p = p * f + 6.93147004e-1f;
  p = p * f + 1.f;
  return reciprocal(1.f + (V)((I)p + ((I)t << 23)));
}

#endif
