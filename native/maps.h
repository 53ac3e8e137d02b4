/* What passes over maps share: how a map is read, how the gradient of an output is formed, where that of an input goes. */
#ifndef NAS_MAPS_H
#define NAS_MAPS_H

#include "nas.h"
#include "vector.h"

/* The part of a pass that a thread does. */
struct work {
  float *arena;
  float *scratch; /* this thread's own */
  int part, parts;  /* of a pass over maps: the chunk */
  int first, last;  /* images first <= n < last, of a pass over maps */
  int begins;       /* whether `first` is the chunk's first image: partial sums begin at 0 */
  int images;       /* of the whole batch */
  int chunks;       /* of every partial array */
};

INLINE int blocks_of(int channels) { return (channels + BLOCK - 1) / BLOCK; }
INLINE float *at(const struct work *work, int32_t offset) { return work->arena + offset; }
/* The same, or NULL where there is no such buffer. */
INLINE float *maybe(const struct work *work, int32_t offset) { return offset == 0 ? 0 : work->arena + offset; }
/* Block `block` of image `image` of a map. */
INLINE float *plane(const struct work *work, int32_t map, int image, int blocks, int block, long pixels) {
  return work->arena + map + ((long)image * blocks + block) * pixels * BLOCK;
}
/* The next floats of scratch; NULL where there is no scratch yet. */
INLINE float *take(float *scratch, long *end, long floats) {
  float *own = scratch == 0 ? 0 : scratch + *end;
  *end += (floats + BLOCK - 1) / BLOCK * BLOCK;
  return own;
}
INLINE float float_of(int32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

/* An activation of u; act is a constant after inlining. */
INLINE V act_of(V u, const int act) {
  switch (act) {
  case ACT_RELU: return vmax(u, zero());
  case ACT_RELU6: return vmin(vmax(u, zero()), all(6.f));
  case ACT_HARD_SWISH: return u * (vmin(vmax(u + 3.f, zero()), all(6.f)) * (1.f / 6));
  case ACT_SWISH: return u * sigmoid(u);
  case ACT_SIGMOID: return sigmoid(u);
  case ACT_HARD_SIGMOID: return vmin(vmax(u + 3.f, zero()), all(6.f)) * (1.f / 6);
  default: return u;
  }
}

/* The derivative of an activation at u; *y gets the activation itself. */
INLINE V slope_of(V u, const int act, V *y) {
  *y = u;
  switch (act) {
  case ACT_RELU: *y = act_of(u, act); return only(u > 0.f, all(1.f));
  case ACT_RELU6: *y = act_of(u, act); return only((u > 0.f) & (u < 6.f), all(1.f));
  case ACT_HARD_SWISH: {
    const V h = vmin(vmax(u + 3.f, zero()), all(6.f)) * (1.f / 6);
    *y = u * h;
    return h + only((u > -3.f) & (u < 3.f), u * (1.f / 6));
  }
  case ACT_SWISH: {
    const V s = sigmoid(u);
    *y = u * s;
    return s + *y * (1.f - s);
  }
  case ACT_SIGMOID: {
    const V s = sigmoid(u);
    *y = s;
    return s * (1.f - s);
  }
  case ACT_HARD_SIGMOID: *y = act_of(u, act); return only((u > -3.f) & (u < 3.f), all(1.f / 6));
  default: return all(1.f);
  }
}

/* Calls `code` with the constant ACT. */
#define WITH_ACT(act, code)                                                                                                    \
  switch (act) {                                                                                                               \
  case ACT_RELU: { enum { ACT = ACT_RELU }; code; break; }                                                                     \
  case ACT_RELU6: { enum { ACT = ACT_RELU6 }; code; break; }                                                                   \
  case ACT_HARD_SWISH: { enum { ACT = ACT_HARD_SWISH }; code; break; }                                                         \
  case ACT_SWISH: { enum { ACT = ACT_SWISH }; code; break; }                                                                   \
  case ACT_SIGMOID: { enum { ACT = ACT_SIGMOID }; code; break; }                                                               \
  case ACT_HARD_SIGMOID: { enum { ACT = ACT_HARD_SIGMOID }; code; break; }                                                     \
  default: { enum { ACT = ACT_NONE }; code; break; }                                                                           \
  }

/* One block of channels of one image of a map, and how it is read. */
struct reading {
  const float *x;
  const float *scale, *shift; /* 16 each, or NULL */
  const float *gate;          /* 16, or NULL */
  int act;
};

INLINE struct reading reading_of(const struct work *work, int32_t map, int32_t norm, int32_t act, int32_t gate, int image,
                                 int blocks, int block, long pixels) {
  const float *scale = norm == 0 ? 0 : at(work, norm) + block * BLOCK;
  return (struct reading){
      .x = plane(work, map, image, blocks, block, pixels),
      .scale = scale,
      .shift = scale == 0 ? 0 : scale + blocks * BLOCK,
      .gate = gate == 0 ? 0 : at(work, gate) + ((long)image * blocks + block) * BLOCK,
      .act = act,
  };
}

/* The reading of the input of a pass. */
INLINE struct reading input_of(const struct work *work, const struct nas_pass *pass, int image, int block) {
  return reading_of(work, pass->x, pass->x_norm, pass->x_act, pass->x_gate, image, blocks_of(pass->cin), block,
                    (long)pass->h * pass->w);
}

INLINE void read_gated(const struct reading *r, long from, long count, float *out, float *slope, const int act, const int gated) {
  for (int v = 0; v < BLOCK; v += VL) {
    const V scale = r->scale ? load(r->scale + v) : all(1.f), shift = r->scale ? load(r->shift + v) : zero();
    const V gate = gated ? load(r->gate + v) : all(1.f);
    const float *x = r->x + from * BLOCK + v;
    if (slope == 0) {
#pragma GCC unroll 4
      for (long p = 0; p < count; p++) {
        const V y = act_of(load(x + p * BLOCK) * scale + shift, act);
        store(out + p * BLOCK + v, gated ? y * gate : y);
      }
    } else {
#pragma GCC unroll 2
      for (long p = 0; p < count; p++) {
        V y, s = slope_of(load(x + p * BLOCK) * scale + shift, act, &y);
        store(out + p * BLOCK + v, gated ? y * gate : y);
        store(slope + p * BLOCK + v, gated ? s * gate : s);
      }
    }
  }
}

/* The same as read_rows; act is a constant after inlining. */
INLINE void read_with(const struct reading *r, long from, long count, float *out, float *slope, const int act) {
  if (r->gate) read_gated(r, from, count, out, slope, act, 1);
  else read_gated(r, from, count, out, slope, act, 0);
}

/* Pixels from <= p < from + count of a block, as they are read, [count][16]; `slope`, if not NULL: what gradients are multiplied by. */
static inline void read_rows(const struct reading *r, long from, long count, float *out, float *slope) {
  WITH_ACT(r->act, read_with(r, from, count, out, slope, ACT))
}

/* The gradient of the output y of a pass, before its norm: [count][16] of one block. */
static inline void grad_rows(const struct work *work, const struct nas_pass *pass, int image, int block, long from, long count,
                             float *out) {
  const int blocks = blocks_of(pass->cout);
  const long pixels = (long)pass->oh * pass->ow;
  const float *g = plane(work, pass->g, image, blocks, block, pixels) + from * BLOCK;
  if (pass->g_norm == 0) {
    memcpy(out, g, (size_t)count * BLOCK * 4);
    return;
  }
  const float *y = plane(work, pass->y, image, blocks, block, pixels) + from * BLOCK;
  const float *norm = at(work, pass->g_norm) + block * BLOCK;
  for (int v = 0; v < BLOCK; v += VL) {
    const V a = load(norm + v), b = load(norm + blocks * BLOCK + v), c = load(norm + 2 * blocks * BLOCK + v);
    for (long p = v; p < count * BLOCK; p += BLOCK) store(out + p, load(g + p) * a + (load(y + p) * b + c));
  }
}

/* Adds the sums over [count][16] values of y, and of y z, to partial sums of one block. */
static inline void add_sums(float *sums, float *products, const float *y, const float *z, long count) {
  for (int v = 0; v < BLOCK; v += VL) {
    V s = zero(), q = zero();
    for (long p = v; p < count * BLOCK; p += BLOCK) {
      const V value = load(y + p);
      s += value;
      q += value * load(z + p);
    }
    store(sums + v, load(sums + v) + s);
    store(products + v, load(products + v) + q);
  }
}

/* This chunk's partial sums [2][channels], zero at its first image. To be called once for each run of images. */
INLINE float *partial_sums(const struct work *work, int32_t sums, int channels) {
  if (sums == 0) return 0;
  const long floats = 2L * blocks_of(channels) * BLOCK;
  float *own = at(work, sums) + work->part * floats;
  if (work->begins) memset(own, 0, (size_t)floats * 4);
  return own;
}

/* Where the gradient of the input goes. */
struct sink {
  const struct work *work;
  const struct nas_pass *pass;
  float *s0, *s1;
};

/* To be called once for each run of images. */
INLINE struct sink sink_of(const struct work *work, const struct nas_pass *pass) {
  return (struct sink){work, pass, partial_sums(work, pass->s0, pass->cin), partial_sums(work, pass->s1, pass->cin)};
}

/*
 * Writes the gradient of `count` pixels of a block of the input from d [count][16], the gradient of what was read.
 * slope: [count][16] from `read_rows`, or NULL for ones. With a gate, gx is the gradient of the gated map: the slope is left out.
 */
static inline void sink_rows(const struct sink *sink, int image, int block, long from, long count, const float *d,
                             const float *slope) {
  const struct nas_pass *pass = sink->pass;
  const struct work *work = sink->work;
  const int blocks = blocks_of(pass->cin);
  const long pixels = (long)pass->h * pass->w, floats = count * BLOCK;
  if (pass->gx == 0) return;
  const int reads = slope != 0 && pass->x_gate == 0;
  float *gx = plane(work, pass->gx, image, blocks, block, pixels) + from * BLOCK;
  const float *add0 = pass->add0 ? plane(work, pass->add0, image, blocks, block, pixels) + from * BLOCK : 0;
  const float *add1 = pass->add1 ? plane(work, pass->add1, image, blocks, block, pixels) + from * BLOCK : 0;
  for (long p = 0; p < floats; p += VL) {
    V g = load(d + p);
    if (reads) g *= load(slope + p);
    if (!pass->gx_first) g += load(gx + p);
    if (add0) g += load(add0 + p);
    if (add1) g += load(add1 + p);
    store(gx + p, g);
  }
  const long channels = (long)blocks * BLOCK;
  if (sink->s0)
    add_sums(sink->s0 + block * BLOCK, sink->s0 + channels + block * BLOCK, gx,
             plane(work, pass->s0_z, image, blocks, block, pixels) + from * BLOCK, count);
  if (sink->s1)
    add_sums(sink->s1 + block * BLOCK, sink->s1 + channels + block * BLOCK, gx,
             plane(work, pass->s1_z, image, blocks, block, pixels) + from * BLOCK, count);
}

#endif
