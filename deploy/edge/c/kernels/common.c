/* Shifts of negative numbers are arithmetic, as of every compiler for these machines. */
#if defined(__ARM_FEATURE_DSP) && !defined(NAS_PLAIN)
#define NAS_DSP 1
#endif
#if defined(__ARM_FEATURE_MVE) && !defined(NAS_PLAIN)
#include <arm_mve.h>
#define NAS_MVE 1
#endif

/* Loops stay loops: no calls of memcpy or memset, so the model needs no library. */
#if defined(__clang__)
#define NAS_KERNEL static __attribute__((no_builtin))
#define NAS_INLINE static inline __attribute__((always_inline, no_builtin))
#elif defined(__GNUC__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#define NAS_KERNEL static
#define NAS_INLINE static inline __attribute__((always_inline))
#else
#define NAS_KERNEL static
#define NAS_INLINE static
#endif

NAS_INLINE int8_t nas_byte(int32_t value, int32_t low, int32_t high) {
  return (int8_t)(value < low ? low : value > high ? high : value);
}

/* sum * mantissa * 2^(shift - 31), to the nearest integer. */
NAS_INLINE int32_t nas_scaled(int32_t sum, int32_t mantissa, int32_t shift) {
#if NAS_TFLM
  /* Twice rounded, as TFLite Micro does. */
  if (shift > 0) {
    const int32_t limit = INT32_MAX >> shift;
    sum = (sum < -limit ? -limit : sum > limit ? limit : sum) * (1 << shift);
    shift = 0;
  }
  const int32_t high = (int32_t)(((int64_t)sum * mantissa + (1 << 30)) >> 31);
  const int32_t rest = high & (int32_t)(((uint32_t)1 << -shift) - 1);
  const int32_t half = (int32_t)((((uint32_t)1 << -shift) - 1) >> 1) + (high < 0);
  return shift == -31 ? (high > 1 << 30) - (high < -(1 << 30)) : (high >> -shift) + (rest > half);
#else
  if (shift <= -2) {
    /* The lower 32 bits of the product do not count. */
    const int32_t high = (int32_t)(((int64_t)sum * mantissa) >> 32);
    return ((high >> (-2 - shift)) + 1) >> 1;
  }
  const int64_t value = ((int64_t)sum * mantissa + ((int64_t)1 << (30 - shift))) >> (31 - shift);
  return value < -(1 << 30) ? -(1 << 30) : value > 1 << 30 ? 1 << 30 : (int32_t)value;
#endif
}

#ifdef NAS_DSP
typedef struct __attribute__((packed, may_alias)) { uint32_t word; } nas_word;
NAS_INLINE uint32_t nas_load(const int8_t *from) { return ((const nas_word *)(const void *)from)->word; }
/* Bytes 0 and 2 of a word, or 1 and 3, as numbers of 16 bits. */
NAS_INLINE uint32_t nas_even(uint32_t word) {
  uint32_t halves;
  __asm__("sxtb16 %0, %1" : "=r"(halves) : "r"(word));
  return halves;
}
NAS_INLINE uint32_t nas_odd(uint32_t word) {
  uint32_t halves;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(word));
  return halves;
}
/* The same, each added to a number of 16 bits. */
NAS_INLINE uint32_t nas_add_even(uint32_t to, uint32_t word) {
  uint32_t halves;
  __asm__("sxtab16 %0, %1, %2" : "=r"(halves) : "r"(to), "r"(word));
  return halves;
}
NAS_INLINE uint32_t nas_add_odd(uint32_t to, uint32_t word) {
  uint32_t halves;
  __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(halves) : "r"(to), "r"(word));
  return halves;
}
/* sum + a[0] * b[0] + a[1] * b[1] */
NAS_INLINE int32_t nas_dual(uint32_t a, uint32_t b, int32_t sum) {
  int32_t result;
  __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}
NAS_INLINE int32_t nas_low(uint32_t a, uint32_t b, int32_t sum) {
  int32_t result;
  __asm__("smlabb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}
NAS_INLINE int32_t nas_high(uint32_t a, uint32_t b, int32_t sum) {
  int32_t result;
  __asm__("smlatt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}
#endif
