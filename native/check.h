/* What is checked before anything runs. */
#ifndef NAS_CHECK_H
#define NAS_CHECK_H

#include "run.h"

/* Floats that a thread needs for a pass. */
static inline int64_t scratch_of(const struct operation *operations, const struct nas_pass *pass) {
  const struct operation *operation = &operations[pass->op];
  return operation->scratch == 0 ? 0 : operation->scratch(pass);
}

/* 0, 1 + the position of the first pass that is not possible, or -1 where the call itself is not. */
static inline int64_t check_all(const struct nas_call *call, const struct operation *operations) {
  if (call->count < 0 || call->images < 1 || call->chunks < 1 || call->threads < 1 || call->arena_floats < 0 || call->scratch_floats < 0)
    return -1;
  for (int64_t i = 0; i < call->count; i++) {
    const struct nas_pass *pass = &call->passes[i];
    if (pass->op < 0 || pass->op >= NAS_OP_COUNT || operations[pass->op].run == 0) return 1 + i;
    if (scratch_of(operations, pass) > call->scratch_floats) return 1 + i;
  }
  return 0;
}

#endif
