/* What does not depend on the instruction set; compiled for any processor of the family. */
#if defined(__linux__)
#include <sys/mman.h>
#endif
#include "nas.h"

#define X(name) #name " "
const char *nas_fields(void) { return NAS_FIELDS(X); }
const char *nas_ops(void) { return NAS_OPS(X); }
#undef X

const char *nas_best(void) {
#if defined(__x86_64__)
  /* What -march=x86-64-v3 and v4 may use. */
  const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                   __builtin_cpu_supports("bmi2");
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd"))
    return "avx512";
  return avx2 ? "avx2" : "";
#elif defined(__aarch64__)
  return "neon";
#else
  return "";
#endif
}

int64_t nas_misalignment(const void *address) { return (int64_t)((uintptr_t)address % 64); }

void nas_large_pages(void *address, int64_t bytes) {
#if defined(__linux__)
  /* Whole pages only; it is a wish, which the system may refuse. */
  const uintptr_t page = 4096, begin = ((uintptr_t)address + page - 1) / page * page, end = (uintptr_t)address + (uintptr_t)bytes;
  if (bytes > 0 && begin < end) (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#else
  (void)address, (void)bytes;
#endif
}

/* Instruction sets of other processor families: there, but nothing runs. */
#define MISSING(isa)                                                                                                           \
  int64_t nas_run_##isa(const struct nas_pass *passes, int64_t count, float *arena, int64_t arena_floats, float *scratch,      \
                        int64_t scratch_floats, int32_t images, int32_t chunks, int32_t threads) {                             \
    (void)passes, (void)count, (void)arena, (void)arena_floats, (void)scratch, (void)scratch_floats;                           \
    (void)images, (void)chunks, (void)threads;                                                                                 \
    return -1;                                                                                                                 \
  }                                                                                                                            \
  int64_t nas_scratch_##isa(const struct nas_pass *pass) {                                                                     \
    (void)pass;                                                                                                                \
    return -1;                                                                                                                 \
  }
#if !defined(__x86_64__)
MISSING(avx512)
MISSING(avx2)
#endif
#if !defined(__aarch64__)
MISSING(neon)
#endif

/* Hash of the sources, and compiler, that native/build.mjs built this library from. */
const char *nas_stamp(void) { return NAS_STAMP; }
