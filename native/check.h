/*
 * What is checked before anything runs: sizes, and that all buffers of a pass lie in the arena. All products of sizes
 * fit 64 bits, as each size is bounded.
 */
#ifndef NAS_CHECK_H
#define NAS_CHECK_H

#include "gemm.h"
#include "run.h"

/* The largest sizes. Buffers end much earlier: their offsets are 32 bits. */
enum { MOST_IMAGES = 1 << 16, MOST_CHUNKS = 1 << 10, MOST_CHANNELS = 1 << 14, MOST_SIDE = 1 << 12, MOST_KERNEL = 64 };
enum { MOST_STEPS = 100 };

struct check {
  const struct nas_call *call; /* NULL: sizes alone */
  const struct nas_pass *p;
  int fits;
};

INLINE void require(struct check *c, int holds) { c->fits &= holds; }
INLINE void size(struct check *c, int32_t value, int32_t most) { require(c, value >= 1 && value <= most); }
/* A buffer that has to be there. */
INLINE void needs(struct check *c, int32_t offset, int64_t floats) {
  if (c->call) require(c, offset > 0 && floats <= c->call->arena_floats - offset);
}
/* A buffer that may be left out. */
INLINE void may(struct check *c, int32_t offset, int64_t floats) {
  if (offset != 0) needs(c, offset, floats);
}

INLINE int64_t lanes_of(int32_t channels) { return ((int64_t)channels + BLOCK - 1) / BLOCK * BLOCK; }
INLINE int64_t images_of(const struct check *c) { return c->call ? c->call->images : 0; }
INLINE int64_t chunks_of(const struct check *c) { return c->call ? c->call->chunks : 0; }
INLINE int64_t input_map_floats(const struct check *c) { return images_of(c) * lanes_of(c->p->cin) * c->p->h * c->p->w; }
INLINE int64_t output_map_floats(const struct check *c) { return images_of(c) * lanes_of(c->p->cout) * c->p->oh * c->p->ow; }
/* A packed product of `rows` by `columns` (pack.h). */
INLINE int64_t packed_size(int64_t rows, int64_t columns) { return (columns + PANEL - 1) / PANEL * PANEL * rows; }
INLINE int64_t squared(int64_t x) { return x * x; }

static inline void check_act(struct check *c, int32_t act) { require(c, act >= 0 && act < NAS_ACTS); }

static inline void check_input_size(struct check *c) {
  size(c, c->p->cin, MOST_CHANNELS), size(c, c->p->h, MOST_SIDE), size(c, c->p->w, MOST_SIDE);
}
static inline void check_output_size(struct check *c) {
  size(c, c->p->cout, MOST_CHANNELS), size(c, c->p->oh, MOST_SIDE), size(c, c->p->ow, MOST_SIDE);
}
/* Input and output are of one size, but for the channels. */
static inline void check_same_plane(struct check *c) { require(c, c->p->oh == c->p->h && c->p->ow == c->p->w); }

/* Every window begins in the padded input, and none ends outside of its padding. */
static inline void check_window(struct check *c) {
  const struct nas_pass *p = c->p;
  size(c, p->kernel, MOST_KERNEL), size(c, p->stride, MOST_KERNEL);
  require(c, p->pad_top >= 0 && p->pad_top < p->kernel && p->pad_left >= 0 && p->pad_left < p->kernel);
  if (!c->fits) return;
  require(c, (p->oh - 1) * p->stride - p->pad_top < p->h && (p->ow - 1) * p->stride - p->pad_left < p->w);
}

static inline void check_reading(struct check *c) {
  check_act(c, c->p->x_act);
  may(c, c->p->x_norm, 2 * lanes_of(c->p->cin));
  may(c, c->p->x_gate, images_of(c) * lanes_of(c->p->cin));
}
static inline void check_input(struct check *c) {
  needs(c, c->p->x, input_map_floats(c));
  check_reading(c);
}
static inline void check_sums(struct check *c, int32_t sums, int32_t channels) {
  may(c, sums, chunks_of(c) * 2 * lanes_of(channels));
}
static inline void check_output(struct check *c) {
  needs(c, c->p->y, output_map_floats(c));
  check_sums(c, c->p->y_sums, c->p->cout);
}
static inline void check_gradient(struct check *c) {
  needs(c, c->p->g, output_map_floats(c));
  if (c->p->g_norm != 0) needs(c, c->p->g_norm, 3 * lanes_of(c->p->cout)), needs(c, c->p->y, output_map_floats(c));
}
static inline void check_sink(struct check *c) {
  const struct nas_pass *p = c->p;
  may(c, p->gx, input_map_floats(c)), may(c, p->add0, input_map_floats(c)), may(c, p->add1, input_map_floats(c));
  check_sums(c, p->s0, p->cin), check_sums(c, p->s1, p->cin);
  if (p->s0 != 0) needs(c, p->s0_z, input_map_floats(c));
  if (p->s1 != 0) needs(c, p->s1_z, input_map_floats(c));
}

/* ---- Convolutions ---- */

static inline void check_groups(struct check *c) {
  const struct nas_pass *p = c->p;
  require(c, p->groups == 0 || (p->groups > 0 && p->cin % p->groups == 0 && p->cout % p->groups == 0));
}

static inline void check_winograd(struct check *c) {
  const struct nas_pass *p = c->p;
  require(c, p->winograd == 0 || (p->winograd == 1 && p->kernel == 3));
  if (p->winograd && p->op != OP_PACK && p->op != OP_UNPACK)
    require(c, p->stride == 1 && p->pad_top == 1 && p->pad_left == 1 && p->oh == p->h && p->ow == p->w);
}

/* k x k convolutions of maps or images, and products. */
static inline void check_convolution(struct check *c, int is_product, int are_images, int is_backward) {
  const struct nas_pass *p = c->p;
  check_input_size(c), check_output_size(c);
  if (is_product) check_same_plane(c);
  else check_window(c);
  if (!is_product && !are_images) check_winograd(c);
  if (are_images) require(c, p->winograd == 0 && p->groups == 0);
  if (p->winograd && !is_product) require(c, p->groups == 0);
  check_groups(c);
  /* The gradient of the input takes the classes of pixels of a stride of at most 2. */
  if (!is_product && !are_images && is_backward && p->gx != 0) size(c, p->stride, 2);
  if (!c->fits) return;
  const int64_t taps = is_product ? 1 : squared(p->kernel), spots = !is_product && p->winograd ? 36 : taps;
  if (are_images) needs(c, p->x, images_of(c) * p->h * p->w * p->cin);
  else check_input(c);
  if (!is_backward) {
    needs(c, p->weights, packed_size(spots * p->cin, p->cout));
    check_output(c);
    return;
  }
  check_gradient(c);
  may(c, p->dweights, chunks_of(c) * packed_size(taps * p->cin, p->cout));
  if (are_images) {
    require(c, p->gx == 0);
    return;
  }
  check_sink(c);
  if (p->gx != 0) needs(c, p->weights_back, packed_size(spots * p->cout, p->cin));
}

static inline void check_depthwise(struct check *c, int is_backward) {
  const struct nas_pass *p = c->p;
  check_input_size(c), check_output_size(c), check_window(c);
  require(c, p->cout == p->cin);
  if (!c->fits) return;
  const int64_t taps = lanes_of(p->cin) * squared(p->kernel);
  check_input(c);
  if (!is_backward) {
    needs(c, p->weights, taps);
    check_output(c);
    return;
  }
  check_gradient(c), check_sink(c);
  may(c, p->dweights, chunks_of(c) * taps);
  if (p->gx != 0) needs(c, p->weights_back, taps);
}

static inline void check_expand(struct check *c, int is_backward) {
  const struct nas_pass *p = c->p;
  check_input_size(c), check_output_size(c), check_window(c), check_act(c, p->e_act);
  size(c, p->expanded, MOST_CHANNELS);
  require(c, p->cout == p->expanded && p->x_norm == 0 && p->x_act == ACT_NONE && p->x_gate == 0);
  if (!c->fits) return;
  const int64_t taps = lanes_of(p->expanded) * squared(p->kernel), packed = packed_size(p->cin, p->expanded);
  needs(c, p->x, input_map_floats(c));
  needs(c, p->e_weights, packed), needs(c, p->e_norm, 2 * lanes_of(p->expanded));
  if (!is_backward) {
    needs(c, p->weights, taps);
    check_output(c);
    return;
  }
  check_gradient(c);
  may(c, p->gx, input_map_floats(c));
  require(c, p->add0 == 0 && p->add1 == 0 && p->s0 == 0 && p->s1 == 0);
  may(c, p->dweights, chunks_of(c) * taps), may(c, p->e_dweights, chunks_of(c) * packed);
  may(c, p->e_sums, chunks_of(c) * lanes_of(p->expanded));
  if (p->gx != 0) needs(c, p->e_weights_back, packed_size(p->expanded, p->cin));
  if (p->gx != 0 || p->e_dweights != 0 || p->e_sums != 0) needs(c, p->weights_back, taps);
}

/* ---- Other passes over maps ---- */

static inline int64_t moment_floats(const struct check *c) { return (1 + lanes_of(c->p->cin)) * lanes_of(c->p->cin); }

static inline void check_affine(struct check *c) {
  check_input_size(c);
  if (!c->fits) return;
  check_input(c), needs(c, c->p->affine, moment_floats(c)), needs(c, c->p->gx, input_map_floats(c));
  check_sink(c);
}

static inline void check_sum(struct check *c) {
  const struct nas_pass *p = c->p;
  check_input_size(c), check_act(c, p->x2 == 0 ? ACT_NONE : p->x2_act);
  if (!c->fits) return;
  check_input(c);
  may(c, p->x2, input_map_floats(c));
  if (p->x2 != 0) may(c, p->x2_norm, 2 * lanes_of(p->cin));
  needs(c, p->y, input_map_floats(c));
  check_sums(c, p->y_sums, p->cin), may(c, p->moments, chunks_of(c) * moment_floats(c));
}

static inline void check_pass_backward(struct check *c) {
  check_input_size(c), check_output_size(c), check_same_plane(c);
  require(c, c->p->cout == c->p->cin);
  if (!c->fits) return;
  check_gradient(c), check_sink(c), check_reading(c);
  if (c->p->x_act != ACT_NONE && c->p->x_gate == 0) needs(c, c->p->x, input_map_floats(c));
}

/* A pool, or with `pixels` > 1 a map in TF.js's layout. */
static inline void check_pool(struct check *c, int is_backward, int64_t pixels) {
  check_input_size(c);
  if (!c->fits) return;
  const int64_t pooled = images_of(c) * c->p->cin * pixels;
  check_reading(c);
  if (!is_backward || (c->p->x_act != ACT_NONE && c->p->x_gate == 0)) needs(c, c->p->x, input_map_floats(c));
  needs(c, is_backward ? c->p->g : c->p->y, pooled);
  if (is_backward) check_sink(c);
}

static inline void check_windows(struct check *c, int are_maxima, int is_backward) {
  check_input_size(c), check_output_size(c);
  if (are_maxima || c->p->kernel != 0) check_window(c);
  require(c, c->p->cout == c->p->cin);
  if (!c->fits) return;
  check_reading(c);
  if (are_maxima || !is_backward || (c->p->x_act != ACT_NONE && c->p->x_gate == 0)) needs(c, c->p->x, input_map_floats(c));
  if (is_backward) check_gradient(c), check_sink(c);
  else check_output(c);
}

static inline void check_double(struct check *c, int is_backward) {
  const struct nas_pass *p = c->p;
  check_input_size(c), check_output_size(c);
  require(c, p->cout == p->cin);
  if (!c->fits) return;
  require(c, p->h == (p->oh + 1) / 2 && p->w == (p->ow + 1) / 2);
  check_reading(c);
  if (!is_backward || (p->x_act != ACT_NONE && p->x_gate == 0)) needs(c, p->x, input_map_floats(c));
  if (is_backward) check_gradient(c), check_sink(c);
  else check_output(c);
}

static inline void check_squeeze(struct check *c) {
  const struct nas_pass *p = c->p;
  const int is_unpack = p->op == OP_SQUEEZE_UNPACK, is_backward = p->op == OP_SQUEEZE_BACKWARD;
  size(c, p->cin, MOST_CHANNELS), size(c, p->squeezed, MOST_CHANNELS);
  require(c, p->source_in == 0 || (p->source_in >= p->cin && p->source_in <= MOST_CHANNELS));
  require(c, p->source_out == 0 || (p->source_out >= p->squeezed && p->source_out <= MOST_CHANNELS));
  check_act(c, p->squeeze_act);
  if (!is_unpack) check_input_size(c), require(c, p->gate_act == ACT_SIGMOID || p->gate_act == ACT_HARD_SIGMOID);
  if (!c->fits) return;
  const int64_t channels = p->source_in ? p->source_in : p->cin, hidden = p->source_out ? p->source_out : p->squeezed;
  const int64_t rows = images_of(c) * lanes_of(p->cin), hidden_rows = images_of(c) * lanes_of(p->squeezed);
  needs(c, p->hidden, hidden_rows);
  if (!is_backward) needs(c, p->pooled, rows);
  if (is_unpack || is_backward) needs(c, p->dgate, rows), needs(c, p->dhidden, hidden_rows);
  if (is_unpack) {
    may(c, p->dreduce, channels * hidden), may(c, p->dexpand, channels * hidden);
    may(c, p->dreduce_bias, hidden), may(c, p->dexpand_bias, channels);
    return;
  }
  needs(c, p->x, input_map_floats(c)), needs(c, p->x_gate, rows), check_reading(c);
  needs(c, p->reduce, channels * hidden), needs(c, p->expand, channels * hidden);
  if (is_backward) needs(c, p->g, input_map_floats(c)), check_sink(c);
  else needs(c, p->reduce_bias, hidden), needs(c, p->expand_bias, channels);
}

/* ---- Channels and weights ---- */

static inline void check_pack(struct check *c, int is_depthwise, int is_unpack) {
  const struct nas_pass *p = c->p;
  const int64_t side = p->source_kernel ? p->source_kernel : p->kernel;
  size(c, p->cin, MOST_CHANNELS), size(c, p->kernel, MOST_KERNEL), size(c, p->source_in, MOST_CHANNELS);
  if (is_depthwise) size(c, is_unpack || p->weights_back == 0 ? 1 : p->stride, MOST_KERNEL);
  else size(c, p->cout, MOST_CHANNELS), size(c, p->source_out, MOST_CHANNELS), check_groups(c), check_winograd(c);
  if (!c->fits) return;
  const int32_t groups = is_depthwise || p->groups == 0 ? 1 : p->groups;
  require(c, p->source_in >= p->cin / groups && side >= p->kernel && side <= MOST_KERNEL);
  if (!is_depthwise) require(c, p->source_out >= p->cout / groups);
  if (!c->fits) return;
  const int64_t kernel = squared(side) * p->source_in * (is_depthwise ? 1 : p->source_out), taps = squared(p->kernel);
  if (groups > 1) require(c, p->source_group >= kernel && p->winograd == 0);
  const int64_t source = (groups > 1 ? (groups - 1) * (int64_t)p->source_group : 0) + kernel;
  const int64_t packed = is_depthwise ? lanes_of(p->cin) * taps : packed_size(taps * p->cin, p->cout);
  if (is_unpack) {
    needs(c, p->dweights, chunks_of(c) * packed), needs(c, p->dsource, source);
    return;
  }
  const int64_t spots = !is_depthwise && p->winograd ? 36 : taps;
  needs(c, p->source, source);
  if (is_depthwise) needs(c, p->weights, packed), may(c, p->weights_back, packed);
  else may(c, p->weights, packed_size(spots * p->cin, p->cout)), may(c, p->weights_back, packed_size(spots * p->cout, p->cin));
}

static inline void check_norm(struct check *c) {
  const struct nas_pass *p = c->p;
  size(c, p->cout, MOST_CHANNELS);
  if (p->op == OP_NORM || p->count != 0) size(c, p->count, 1 << 28);
  if (!c->fits) return;
  const int64_t lanes = lanes_of(p->cout);
  needs(c, p->gamma, p->cout);
  if (p->op == OP_NORM_BACKWARD) {
    needs(c, p->s0, chunks_of(c) * 2 * lanes), needs(c, p->stats, 2 * lanes), needs(c, p->g_norm, 3 * lanes);
    may(c, p->dgamma, p->cout), may(c, p->dbeta, p->cout);
    return;
  }
  needs(c, p->beta, p->cout), needs(c, p->x_norm, 2 * lanes);
  if (p->op == OP_NORM) {
    needs(c, p->y_sums, chunks_of(c) * 2 * lanes), needs(c, p->stats, 2 * lanes);
    may(c, p->y, images_of(c) * lanes * p->count);
    may(c, p->moving_mean, p->cout), may(c, p->moving_variance, p->cout);
  } else {
    needs(c, p->moving_mean, p->cout), needs(c, p->moving_variance, p->cout), may(c, p->stats, 2 * lanes);
  }
}

static inline void check_fold(struct check *c) {
  const struct nas_pass *p = c->p;
  const int is_inference = p->op == OP_EXPAND_FOLD_INFERENCE;
  size(c, p->cin, MOST_CHANNELS), size(c, p->expanded, MOST_CHANNELS);
  size(c, p->e_source_in, MOST_CHANNELS), size(c, p->e_source_out, MOST_CHANNELS);
  require(c, p->e_source_in >= p->cin && p->e_source_out >= p->expanded);
  /* The backward of a norm of constants has a count of 0. */
  const int is_fixed = p->op == OP_EXPAND_FOLD_BACKWARD && p->count == 0;
  if (!is_inference && !is_fixed) size(c, p->count, 1 << 28);
  if (!c->fits) return;
  const int64_t out = lanes_of(p->expanded), source = (int64_t)p->e_source_in * p->e_source_out;
  const int64_t back = packed_size(p->expanded, p->cin);
  needs(c, p->e_source, source), needs(c, p->e_gamma, p->expanded);
  if (!is_inference && !is_fixed) needs(c, p->moments, chunks_of(c) * moment_floats(c));
  if (is_inference) may(c, p->e_stats, 2 * out);
  else needs(c, p->e_stats, 2 * out);
  if (p->op == OP_EXPAND_FOLD_BACKWARD) {
    needs(c, p->e_dweights, chunks_of(c) * packed_size(p->cin, p->expanded)), needs(c, p->e_sums, chunks_of(c) * out);
    may(c, p->e_dsource, source), may(c, p->e_dgamma, p->expanded), may(c, p->e_dbeta, p->expanded);
    may(c, p->affine, moment_floats(c));
    if (p->affine != 0) needs(c, p->e_weights_back, back);
    return;
  }
  needs(c, p->e_beta, p->expanded), needs(c, p->e_norm, 2 * out), needs(c, p->e_weights, packed_size(p->cin, p->expanded));
  may(c, p->e_weights_back, back);
  if (!is_inference) may(c, p->x, images_of(c) * lanes_of(p->cin) * p->count);
  if (is_inference) needs(c, p->e_moving_mean, p->expanded), needs(c, p->e_moving_variance, p->expanded);
  else may(c, p->e_moving_mean, p->expanded), may(c, p->e_moving_variance, p->expanded);
}

static inline void check_update(struct check *c) {
  const struct nas_pass *p = c->p;
  int64_t floats = p->length;
  if (p->op == OP_MUON) {
    size(c, p->iterations, MOST_STEPS), size(c, p->cin, 1 << 22), size(c, p->cout, MOST_CHANNELS);
    floats = (int64_t)p->cin * p->cout;
  } else {
    size(c, p->length, INT32_MAX);
  }
  if (!c->fits) return;
  needs(c, p->value, floats), needs(c, p->scalars, 4);
  if (p->op == OP_AVERAGE) {
    needs(c, p->average, floats);
    return;
  }
  needs(c, p->gradient, floats);
  if (p->op == OP_SGD) may(c, p->slot0, floats);
  else needs(c, p->slot0, floats);
  if (p->op == OP_ADAMW) needs(c, p->slot1, floats);
}

static inline void check_operation(struct check *c) {
  switch (c->p->op) {
  case OP_IMAGES_FORWARD: check_convolution(c, 0, 1, 0); break;
  case OP_IMAGES_BACKWARD: check_convolution(c, 0, 1, 1); break;
  case OP_PRODUCT_FORWARD: check_convolution(c, 1, 0, 0); break;
  case OP_PRODUCT_BACKWARD: check_convolution(c, 1, 0, 1); break;
  case OP_CONV_FORWARD: check_convolution(c, 0, 0, 0); break;
  case OP_CONV_BACKWARD: check_convolution(c, 0, 0, 1); break;
  case OP_DEPTHWISE_FORWARD: check_depthwise(c, 0); break;
  case OP_DEPTHWISE_BACKWARD: check_depthwise(c, 1); break;
  case OP_EXPAND_FORWARD: check_expand(c, 0); break;
  case OP_EXPAND_BACKWARD: check_expand(c, 1); break;
  case OP_AFFINE: check_affine(c); break;
  case OP_SUM: check_sum(c); break;
  case OP_PASS_BACKWARD: check_pass_backward(c); break;
  case OP_SQUEEZE_FORWARD:
  case OP_SQUEEZE_BACKWARD:
  case OP_SQUEEZE_UNPACK: check_squeeze(c); break;
  case OP_MEAN_FORWARD: check_windows(c, 0, 0); break;
  case OP_MEAN_BACKWARD: check_windows(c, 0, 1); break;
  case OP_MAX_FORWARD: check_windows(c, 1, 0); break;
  case OP_MAX_BACKWARD: check_windows(c, 1, 1); break;
  case OP_DOUBLE_FORWARD: check_double(c, 0); break;
  case OP_DOUBLE_BACKWARD: check_double(c, 1); break;
  case OP_POOL_FORWARD: check_pool(c, 0, 1); break;
  case OP_POOL_BACKWARD: check_pool(c, 1, 1); break;
  case OP_MAP_FORWARD: check_pool(c, 0, (int64_t)c->p->h * c->p->w); break;
  case OP_MAP_BACKWARD: check_pool(c, 1, (int64_t)c->p->h * c->p->w); break;
  case OP_PACK: check_pack(c, 0, 0); break;
  case OP_UNPACK: check_pack(c, 0, 1); break;
  case OP_PACK_DEPTHWISE: check_pack(c, 1, 0); break;
  case OP_UNPACK_DEPTHWISE: check_pack(c, 1, 1); break;
  case OP_NORM:
  case OP_NORM_INFERENCE:
  case OP_NORM_BACKWARD: check_norm(c); break;
  case OP_EXPAND_FOLD:
  case OP_EXPAND_FOLD_INFERENCE:
  case OP_EXPAND_FOLD_BACKWARD: check_fold(c); break;
  case OP_SGD:
  case OP_ADAMW:
  case OP_MUON:
  case OP_AVERAGE: check_update(c); break;
  default: c->fits = 0;
  }
}

/* Floats of scratch that a thread needs for a pass; -1: its sizes are not possible. call: NULL where no buffers are known yet. */
static inline int64_t check_pass(const struct nas_call *call, const struct nas_pass *pass, const struct operation *operations) {
  struct check check = {call, pass, 1};
  if (pass->op < 0 || pass->op >= NAS_OP_COUNT || operations[pass->op].run == 0) return -1;
  /* Image by image: passes over maps alone. Independent of each other: those without chunks alone. */
  require(&check, pass->group == 0 || (pass->group > 0) == (pass->op < OP_PACK));
  check_operation(&check);
  if (!check.fits) return -1;
  return operations[pass->op].scratch == 0 ? 0 : operations[pass->op].scratch(pass);
}

/* 0, 1 + the position of the first pass that is not possible, or -1 where the call itself is not. */
static inline int64_t check_all(const struct nas_call *call, const struct operation *operations) {
  const struct nas_call *c = call;
  if (c->count < 0 || c->images < 1 || c->images > MOST_IMAGES || c->chunks < 1 || c->chunks > MOST_CHUNKS) return -1;
  if (c->threads < 1) return -1;
  if (c->arena_floats < 0 || c->scratch_floats < 0 || (uintptr_t)c->scratch % 64 != 0) return -1;
  for (int64_t i = 0; i < c->count; i++) {
    const int64_t scratch = check_pass(c, &c->passes[i], operations);
    if (scratch < 0 || scratch > scratch_row(c)) return 1 + i;
  }
  return 0;
}

#endif
