/*
 * Training steps of small convolutional networks on a processor's vector units: a list of passes over one arena of floats.
 *
 * The list is written by compiler/native/ and decides everything: what is fused, where buffers lie, which sizes they have. The
 * library allocates nothing, keeps no state, and starts `threads - 1` threads for each call.
 *
 * Maps are float [images][blocks][height * width][16]: channels in blocks of 16. Lanes without a channel hold zeros.
 * Weights, their gradients and optimizer states are in TF.js's layouts, [k, k, in, out] for kernels.
 *
 * Every pass works in parts. A pass over maps has a part for each of `chunks` ranges of images, with sums of its own
 * ("partial": [chunks][...]), so that results do not depend on the number of threads. Another pass has any number of parts that
 * are independent of each other.
 */
#ifndef NAS_H
#define NAS_H

#include <stdint.h>

/* Offsets are in floats from the begin of the arena; 0: there is no such buffer. Float fields are the bits of a float. */
#define NAS_FIELDS(X)                                                                                                          \
  X(op)                                                                                                                        \
  X(group)    /* neighbours of one group > 0 run image by image, or by a few small ones: they share the cache */               \
  /* Geometry: a map of `cin` channels, h x w, becomes one of `cout` channels, oh x ow. */                                     \
  X(cin) X(cout) X(h) X(w) X(oh) X(ow) X(kernel) X(stride) X(pad_top) X(pad_left)                                              \
  /* The input map, and how it is read: act(x scale + shift) gate. */                                                          \
  X(x)        /* map; of OP_IMAGES_*: float [images][h][w][cin] */                                                             \
  X(x_norm)   /* [2][channels]: scale, shift */                                                                                \
  X(x_act)    /* enum nas_act */                                                                                               \
  X(x_gate)   /* [images][channels]: factors */                                                                                \
  X(x2) X(x2_norm) X(x2_act) /* a second input, of sums */                                                                     \
  X(y)        /* map: the output, before any norm */                                                                           \
  X(y_sums)   /* partial [2][channels]: sums of y and of y y */                                                                \
  /* Weights. */                                                                                                               \
  X(weights)  /* packed for the forward pass by OP_PACK */                                                                     \
  X(weights_back) /* packed for the gradient of the input */                                                                   \
  X(source) X(source_in) X(source_out) /* a kernel [k, k, source_in, source_out], of which the first cin and cout are used */  \
  X(groups) /* of channels, which a product or convolution does not mix; 0: one. PACK and UNPACK have a kernel of each group,  \
                 [k, k, source_in, source_out]; packed weights of two groups are 0, packed gradients anything */               \
  X(source_group) /* floats from the kernel of a group to the next one */                                                      \
  X(source_kernel) /* side of that kernel, whose central `kernel` rows and columns are used; 0: `kernel` */                    \
  X(winograd) /* 1: a 3x3 convolution of stride 1 and paddings 1 multiplies transformed tiles of 4x4. PACK, CONV_FORWARD and   \
                 CONV_BACKWARD agree on it: `weights` and `weights_back` have 36 values for each pair of channels, not 9 */    \
  X(dweights) /* partial gradient of the weights, in the library's layout; 0: they are not trained */                          \
  X(dsource)  /* gradient of the kernel, in the layout of `source` */                                                          \
  /* Backward: the gradient of the output, and its norm: dy = a g + b y + c. */                                                \
  X(g)        /* map */                                                                                                        \
  X(g_norm)   /* [3][channels]: a, b, c; 0: dy = g */                                                                          \
  /* Where the gradient of the input goes: gx = act'(x scale + shift) d + (gx_first ? 0 : gx) + add0 + add1. With an x_gate,   \
     gx is the gradient of the gated map: act' is left out, and SQUEEZE_BACKWARD reads it as its g. */                         \
  X(gx)       /* map; 0: nothing before this pass is trained */                                                                \
  X(gx_first) X(add0) X(add1)                                                                                                  \
  X(s0) X(s0_z) X(s1) X(s1_z) /* partial [2][channels]: sums of gx, and of gx z for map z: at most two norms before gx */      \
  /* Norms: [2][channels] of mean and 1 / deviation of the batch; gamma, beta and the moving statistics [channels] in place. */\
  X(stats) X(gamma) X(beta) X(moving_mean) X(moving_variance) X(dgamma) X(dbeta) X(count) /* values of an image's channel */   \
  X(epsilon) X(momentum) /* float */                                                                                           \
  /* Expansion before a depthwise convolution of `expanded` channels (cout, too): its own 1x1 kernel, norm and activation.     \
     e_weights, e_weights_back, e_dweights: packed as those of a product; e_norm, e_stats: [2][16 blocks of `expanded`]. */    \
  X(expanded) X(e_act) X(e_source) X(e_source_in) X(e_source_out) X(e_dsource) X(e_weights) X(e_weights_back) X(e_dweights)    \
  X(e_norm) X(e_stats) X(e_gamma) X(e_beta) X(e_moving_mean) X(e_moving_variance) X(e_dgamma) X(e_dbeta)                       \
  X(e_sums)   /* partial [16 blocks of `expanded`]: sums of the gradient at the expansion's norm */                            \
  X(moments)  /* partial [1 + 16 blocks][16 blocks]: sums of the input, and its second moments (all, on both sides) */         \
  X(affine)   /* [1 + 16 blocks][16 blocks]: what the gradient of the input gets from the norm of the expansion: vector, matrix */\
  /* Squeeze-excite: pooled and gate [images][channels]; hidden [images][16 blocks of `squeezed`], before its activation;      \
     dhidden and dgate like hidden and gate: gradients before the activations, which the backward pass hands to the unpacking. \
     The kernels are [source_in, source_out] and [source_out, source_in], of which cin and squeezed are used (0: no more). */  \
  X(squeezed) X(squeeze_act) X(gate_act) X(pooled) X(hidden)                                                                   \
  X(reduce) X(reduce_bias) X(expand) X(expand_bias) /* kernels and biases */                                                   \
  X(dreduce) X(dreduce_bias) X(dexpand) X(dexpand_bias) X(dhidden) X(dgate)                                                    \
  /* Updates of flat arrays of `length` values; updates.h says what the floats and `scalars`, of the step, hold. */            \
  X(length) X(value) X(gradient) X(slot0) X(slot1) X(average) X(scalars) X(iterations)                                         \
  X(f0) X(f1) X(f2) X(f3) X(f4) /* floats */

struct nas_pass {
#define X(name) int32_t name;
  NAS_FIELDS(X)
#undef X
};

enum nas_act { ACT_NONE, ACT_RELU, ACT_RELU6, ACT_HARD_SWISH, ACT_SWISH, ACT_SIGMOID, ACT_HARD_SIGMOID, NAS_ACTS };

#define NAS_OPS(X)                                                                                                             \
  /* Over maps. */                                                                                                             \
  X(IMAGES_FORWARD)      /* k x k convolution of images with few channels; x is not padded */                                  \
  X(IMAGES_BACKWARD)     /* the gradient of its weights */                                                                     \
  X(PRODUCT_FORWARD)     /* 1x1 convolution of stride 1 */                                                                     \
  X(PRODUCT_BACKWARD)                                                                                                          \
  X(CONV_FORWARD)        /* k x k convolution, or 1x1 of stride 2 */                                                           \
  X(CONV_BACKWARD)                                                                                                             \
  X(DEPTHWISE_FORWARD)                                                                                                         \
  X(DEPTHWISE_BACKWARD)                                                                                                        \
  X(EXPAND_FORWARD)      /* expansion and depthwise convolution; the expanded map is never stored */                           \
  X(EXPAND_BACKWARD)     /* gx gets the part without `affine`; no gate, no activation, no norm at x */                         \
  X(AFFINE)              /* gx = x matrix + vector + (gx_first ? 0 : gx) + add0 + add1, with the sums of gx */                 \
  X(SUM)                 /* y = read(x) + read(x2) (0: x alone; y may be x), with the moments and y_sums if asked for */       \
  X(PASS_BACKWARD)       /* gx from g alone, where no convolution reads x: d = a g + b y + c with a g_norm, else g */          \
  X(MEAN_FORWARD)        /* y = means of the values of read(x) in each window that lie inside the map; kernel 0: zeros */      \
  X(MEAN_BACKWARD)                                                                                                             \
  X(MAX_FORWARD)         /* y = the largest of these values, which the first of equals is in its gradient */                   \
  X(MAX_BACKWARD)                                                                                                              \
  X(SQUEEZE_FORWARD)     /* pooled, hidden and gate of x (x_gate is written) */                                                \
  X(SQUEEZE_BACKWARD)    /* g: gradient of gated x; gx of the map before the gate */                                           \
  X(POOL_FORWARD)        /* y: [images][cin], the means of read(x) over height and width, in TF.js's layout */                 \
  X(POOL_BACKWARD)       /* g: [images][cin] */                                                                                \
  X(DOUBLE_FORWARD)      /* y[o] = read(x)[o / 2] on both axes; oh, ow: twice h, w or one less */                              \
  X(DOUBLE_BACKWARD)                                                                                                           \
  X(MAP_FORWARD)         /* y: [images][h][w][cin], read(x) in TF.js's layout */                                               \
  X(MAP_BACKWARD)        /* g: [images][h][w][cin] */                                                                          \
  /* Over channels, weights, flat arrays. */                                                                                   \
  X(PACK)                /* source to weights and weights_back of a product or convolution */                                  \
  X(PACK_DEPTHWISE)                                                                                                            \
  X(UNPACK)              /* the sum of the partial dweights to dsource */                                                      \
  X(UNPACK_DEPTHWISE)                                                                                                          \
  X(NORM)                /* of cout channels: partial y_sums to stats, x_norm and moving statistics; y, if given, is read where  \
                            a variance would be rounding alone */                                                              \
  X(NORM_INFERENCE)      /* moving statistics to x_norm, and to stats if given */                                              \
  X(NORM_BACKWARD)       /* partial s0 and stats to g_norm, dgamma and dbeta; count 0: the stats are constants */              \
  X(EXPAND_FOLD)         /* moments, e_source, e_gamma, e_beta to e_norm, e_stats, e_weights, e_weights_back; x as y of NORM */ \
  X(EXPAND_FOLD_INFERENCE)                                                                                                     \
  X(EXPAND_FOLD_BACKWARD) /* partial e_dweights and e_sums to e_dsource, e_dgamma, e_dbeta, affine */                          \
  X(SQUEEZE_UNPACK)      /* pooled, hidden, dhidden, dgate to the gradients of the kernels and biases */                       \
  X(SGD) X(ADAMW) X(MUON) X(AVERAGE) /* see updates.h */

enum nas_op {
#define X(name) OP_##name,
  NAS_OPS(X)
#undef X
  NAS_OP_COUNT
};

/* One call. */
struct nas_call {
  const struct nas_pass *passes;
  int64_t count;
  float *arena; /* aligned to 64 bytes */
  int64_t arena_floats;
  float *scratch; /* [threads][scratch_floats], aligned to 64 bytes */
  int64_t scratch_floats;
  int32_t images, chunks, threads;
};

/* The names of fields and operations, in their order, separated by spaces. */
const char *nas_fields(void);
const char *nas_ops(void);
/* The best of avx512, avx2, neon that runs here; "" when none does. */
const char *nas_best(void);
/* Bytes from the last address that is a multiple of 64. */
int64_t nas_misalignment(const void *address);
/* Asks the system for large pages. */
void nas_large_pages(void *address, int64_t bytes);
/*
 * nas_run_*: runs the passes; 0, or 1 + the position of the first pass that is not possible (-1: the call itself): then nothing ran.
 * nas_scratch_*: floats of scratch that a thread needs for this pass, from its sizes and from which buffers it has (-1: not possible).
 */
#define NAS_RUN(isa)                                                                                                           \
  int64_t nas_run_##isa(const struct nas_pass *passes, int64_t count, float *arena, int64_t arena_floats, float *scratch,      \
                        int64_t scratch_floats, int32_t images, int32_t chunks, int32_t threads);                              \
  int64_t nas_scratch_##isa(const struct nas_pass *pass);
NAS_RUN(avx512)
NAS_RUN(avx2)
NAS_RUN(neon)

#endif
