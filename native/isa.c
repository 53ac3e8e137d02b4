/* The library for one instruction set: compiled with -DNAS_ISA=avx512, avx2 or neon. */
#include "nas.h"
#include "run.h"

static void missing(const struct nas_pass *pass, const struct work *work) { (void)pass; (void)work; }

/* The headers of the families follow here as they are written. */

static operation *const operations[NAS_OP_COUNT] = {
#define X(name) [OP_##name] = missing,
    NAS_OPS(X)
#undef X
};

#define JOINED_(a, b) a##b
#define JOINED(a, b) JOINED_(a, b)

int64_t JOINED(nas_run_, NAS_ISA)(const struct nas_pass *passes, int64_t count, float *arena, int64_t arena_floats, float *scratch,
                                  int64_t scratch_floats, int32_t images, int32_t chunks, int32_t threads) {
  run_all((struct nas_call){passes, count, arena, arena_floats, scratch, scratch_floats, images, chunks, threads}, operations);
  return 0;
}
