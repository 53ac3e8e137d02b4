/* The library for one instruction set: compiled with -DNAS_ISA=avx512, avx2 or neon. */
#include "nas.h"
#include "check.h"

/* The families of operations. A new one has a line here and its operations below. */
#include "convolutions.h"
#include "norms.h"
#include "depthwise.h"
#include "expand.h"
#include "expand-backward.h"
#include "fold.h"
#include "means.h"
#include "pack.h"
#include "points.h"
#include "products.h"
#include "squeeze.h"
#include "updates.h"

/* How each is done, and the floats of scratch that it needs (0: none). An operation without a row is refused. */
static const struct operation operations[NAS_OP_COUNT] = {
    [OP_IMAGES_FORWARD] = {conv_forward, conv_forward_scratch},
    [OP_IMAGES_BACKWARD] = {conv_backward, conv_backward_scratch},
    [OP_CONV_FORWARD] = {conv_forward, conv_forward_scratch},
    [OP_CONV_BACKWARD] = {conv_backward, conv_backward_scratch},
    [OP_PRODUCT_FORWARD] = {product_forward, product_forward_scratch},
    [OP_PRODUCT_BACKWARD] = {product_backward, product_backward_scratch},
    [OP_AFFINE] = {affine, affine_scratch},
    [OP_SUM] = {sum_forward, 0},
    [OP_PASS_BACKWARD] = {pass_backward, 0},
    [OP_SQUEEZE_FORWARD] = {squeeze_forward, squeeze_forward_scratch},
    [OP_SQUEEZE_BACKWARD] = {squeeze_backward, squeeze_backward_scratch},
    [OP_SQUEEZE_UNPACK] = {squeeze_unpack, 0},
    [OP_MEAN_FORWARD] = {mean_forward, windows_scratch},
    [OP_MEAN_BACKWARD] = {mean_backward, windows_scratch},
    [OP_MAX_FORWARD] = {max_forward, windows_scratch},
    [OP_MAX_BACKWARD] = {max_backward, windows_scratch},
    [OP_POOL_FORWARD] = {pool_forward, 0},
    [OP_POOL_BACKWARD] = {pool_backward, 0},
    [OP_DOUBLE_FORWARD] = {double_forward, windows_scratch},
    [OP_DOUBLE_BACKWARD] = {double_backward, windows_scratch},
    [OP_MAP_FORWARD] = {map_forward, 0},
    [OP_MAP_BACKWARD] = {map_backward, 0},
    [OP_NORM] = {norm_forward, 0},
    [OP_NORM_INFERENCE] = {norm_inference, 0},
    [OP_NORM_BACKWARD] = {norm_backward, 0},
    [OP_DEPTHWISE_FORWARD] = {depthwise_forward, depthwise_scratch},
    [OP_DEPTHWISE_BACKWARD] = {depthwise_backward, depthwise_scratch},
    [OP_EXPAND_FORWARD] = {expand_forward, expand_scratch},
    [OP_EXPAND_BACKWARD] = {expand_backward, expand_scratch},
    [OP_EXPAND_FOLD] = {expand_fold, fold_scratch},
    [OP_EXPAND_FOLD_INFERENCE] = {expand_fold_inference, fold_scratch},
    [OP_EXPAND_FOLD_BACKWARD] = {expand_fold_backward, fold_scratch},
    [OP_SGD] = {sgd, 0},
    [OP_ADAMW] = {adamw, 0},
    [OP_MUON] = {muon, muon_scratch},
    [OP_AVERAGE] = {average, 0},
    [OP_PACK] = {pack, pack_scratch},
    [OP_PACK_DEPTHWISE] = {pack_depthwise, 0},
    [OP_UNPACK] = {unpack, 0},
    [OP_UNPACK_DEPTHWISE] = {unpack_depthwise, 0},
};

#define JOINED_(a, b) a##b
#define JOINED(a, b) JOINED_(a, b)

int64_t JOINED(nas_run_, NAS_ISA)(const struct nas_pass *passes, int64_t count, float *arena, int64_t arena_floats, float *scratch,
                                  int64_t scratch_floats, int32_t images, int32_t chunks, int32_t threads) {
  const struct nas_call call = {passes, count, arena, arena_floats, scratch, scratch_floats, images, chunks, threads};
  const int64_t bad = check_all(&call, operations);
  if (bad == 0) run_all(&call, operations);
  return bad;
}

int64_t JOINED(nas_scratch_, NAS_ISA)(const struct nas_pass *pass) { return check_pass(0, pass, operations); }
