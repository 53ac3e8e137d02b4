/* The library for one instruction set: compiled with -DNAS_ISA=avx512, avx2 or neon. */
#include "nas.h"
#include "run.h"

/* The families; add yours here and below. */
#include "pack.h"

/* What is not here is not possible yet. */
static operation *const operations[NAS_OP_COUNT] = {
    [OP_PACK] = pack,
    [OP_UNPACK] = unpack,
};

#define JOINED_(a, b) a##b
#define JOINED(a, b) JOINED_(a, b)

int64_t JOINED(nas_run_, NAS_ISA)(const struct nas_pass *passes, int64_t count, float *arena, int64_t arena_floats, float *scratch,
                                  int64_t scratch_floats, int32_t images, int32_t chunks, int32_t threads) {
  for (int64_t i = 0; i < count; i++)
    if (passes[i].op < 0 || passes[i].op >= NAS_OP_COUNT || operations[passes[i].op] == 0) return 1 + i;
  run_all((struct nas_call){passes, count, arena, arena_floats, scratch, scratch_floats, images, chunks, threads}, operations);
  return 0;
}
