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
#define NAS_INLINE static inline __attribute__((always_inline, no_builtin, unused))
#define NAS_SLOW static __attribute__((noinline, cold, no_builtin, unused))
#define NAS_CALLED static __attribute__((noinline, no_builtin))
#elif defined(__GNUC__)
#pragma GCC optimize("O2", "no-tree-loop-distribute-patterns")
#define NAS_KERNEL static
#define NAS_INLINE static inline __attribute__((always_inline, unused))
#define NAS_SLOW static __attribute__((noinline, cold, unused))
#define NAS_CALLED static __attribute__((noinline))
#else
#define NAS_KERNEL static
#define NAS_INLINE static
#define NAS_SLOW static
#define NAS_CALLED static
#endif

NAS_INLINE int8_t nas_byte(int32_t value, int32_t low, int32_t high) {
  if ((uint32_t)(value - low) > (uint32_t)(high - low)) value = value < low ? low : high;
  return (int8_t)value;
}

/* The upper 32 bits of a product. */
NAS_INLINE int32_t nas_upper(int32_t a, int32_t b) {
#ifdef NAS_DSP
  int32_t result;
  __asm__("smmul %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
  return result;
#else
  return (int32_t)(((int64_t)a * b) >> 32);
#endif
}

#if NAS_TFLM
/* sum * mantissa / 2^(31 + right), rounded twice, as TFLite Micro does. */
NAS_INLINE int32_t nas_scaled(int32_t sum, int32_t mantissa, int32_t right) {
  if (right < 0) {
    const int32_t limit = INT32_MAX >> -right;
    sum = (sum < -limit ? -limit : sum > limit ? limit : sum) * (1 << -right);
    right = 0;
  }
  const int32_t high = (int32_t)(((int64_t)sum * mantissa + (1 << 30)) >> 31);
  const int32_t mask = (int32_t)(((uint32_t)1 << right) - 1);
  return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0));
}
#else
NAS_SLOW int32_t nas_scaled_up(int32_t sum, int32_t mantissa, int32_t right) {
  const int64_t value = ((int64_t)sum * mantissa + ((int64_t)1 << (32 + right))) >> (33 + right);
  return value < -(1 << 30) ? -(1 << 30) : value > 1 << 30 ? 1 << 30 : (int32_t)value;
}
/* sum * mantissa / 2^(33 + right), to the nearest integer. Of a small factor, the lower 32 bits of the product do not count. */
NAS_INLINE int32_t nas_scaled(int32_t sum, int32_t mantissa, int32_t right) {
  if (right < 0) return nas_scaled_up(sum, mantissa, right);
  return ((nas_upper(sum, mantissa) >> right) + 1) >> 1;
}
#endif

#ifdef NAS_DSP
typedef struct __attribute__((packed, may_alias)) { uint32_t word; } nas_word;
NAS_INLINE uint32_t nas_load(const int8_t *from) { return ((const nas_word *)(const void *)from)->word; }
NAS_INLINE void nas_save(int8_t *to, uint32_t word) { ((nas_word *)(void *)to)->word = word; }
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
