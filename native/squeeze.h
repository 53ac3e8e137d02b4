/*
 * Squeeze-excite: gate = gate_act(squeeze_act(mean(x) reduce + reduce_bias) expand + expand_bias), a factor for each channel of each
 * image. The gradients of its weights are products over all images, made by SQUEEZE_UNPACK from what the passes leave per image.
 */
#ifndef NAS_SQUEEZE_H
#define NAS_SQUEEZE_H

#include "dense.h"
#include "points.h"

/* Images whose dense layers are computed together, so that weights are read once for all of them. */
enum { SQUEEZE_IMAGES = 8 };

INLINE struct matrix matrix_of(const float *values, int stored_rows, int pitch, int rows, int width) {
  return (struct matrix){values, values + (long)stored_rows * pitch, pitch, rows, width};
}
/* Channels and hidden values of the kernels in memory. */
INLINE int stored_channels(const struct nas_pass *pass) { return pass->source_in ? pass->source_in : pass->cin; }
INLINE int stored_hidden(const struct nas_pass *pass) { return pass->source_out ? pass->source_out : pass->squeezed; }
INLINE struct matrix reduce_of(const struct nas_pass *pass, const struct work *work) {
  return matrix_of(at(work, pass->reduce), stored_channels(pass), stored_hidden(pass), pass->cin, pass->squeezed);
}
INLINE struct matrix expand_of(const struct nas_pass *pass, const struct work *work) {
  return matrix_of(at(work, pass->expand), stored_hidden(pass), stored_channels(pass), pass->squeezed, pass->cin);
}

INLINE void act_all_with(const float *x, float *y, long count, const int act) {
  for (long i = 0; i < count; i += VL) store(y + i, act_of(load(x + i), act));
}
/* y = act(x) of whole vectors. */
static inline void act_all(const float *x, float *y, long count, int act) {
  WITH_ACT(act, act_all_with(x, y, count, ACT))
}

INLINE void slope_all_with(float *g, const float *x, long count, const int act) {
  for (long i = 0; i < count; i += VL) {
    V y;
    store(g + i, load(g + i) * slope_of(load(x + i), act, &y));
  }
}
/* g *= act'(x) of whole vectors. */
static inline void slope_all(float *g, const float *x, long count, int act) {
  WITH_ACT(act, slope_all_with(g, x, count, ACT))
}

/* The input without its gate. */
INLINE struct reading before_gate(const struct nas_pass *pass, const struct work *work, int image, int block) {
  return reading_of(work, pass->x, pass->x_norm, pass->x_act, 0, image, blocks_of(pass->cin), block, (long)pass->h * pass->w);
}

static inline int64_t squeeze_forward_scratch(const struct nas_pass *pass) { return SQUEEZE_IMAGES * blocks_of(pass->squeezed) * BLOCK; }

static inline void squeeze_forward(const struct nas_pass *pass, const struct work *work) {
  const int blocks = blocks_of(pass->cin), channels = blocks * BLOCK, hidden = blocks_of(pass->squeezed) * BLOCK;
  const long pixels = (long)pass->h * pass->w;
  const struct matrix reduce = reduce_of(pass, work), expand = expand_of(pass, work);
  for (int first = work->first; first < work->last; first += SQUEEZE_IMAGES) {
    const int images = work->last - first < SQUEEZE_IMAGES ? work->last - first : SQUEEZE_IMAGES;
    float *pooled = at(work, pass->pooled) + (long)first * channels, *z = at(work, pass->hidden) + (long)first * hidden;
    float *gate = at(work, pass->x_gate) + (long)first * channels;
    for (int i = 0; i < images; i++)
      for (int b = 0; b < blocks; b++) {
        const struct reading reading = before_gate(pass, work, first + i, b);
        float *mean = pooled + i * channels + b * BLOCK;
        memset(mean, 0, BLOCK * 4);
        add_read(&reading, pixels, mean);
        for (int c = 0; c < BLOCK; c++) mean[c] = b * BLOCK + c < pass->cin ? mean[c] / (float)pixels : 0;
      }
    dense(images, pooled, channels, &reduce, at(work, pass->reduce_bias), z, hidden);
    act_all(z, work->scratch, (long)images * hidden, pass->squeeze_act);
    dense(images, work->scratch, hidden, &expand, at(work, pass->expand_bias), gate, channels);
    act_all(gate, gate, (long)images * channels, pass->gate_act);
    for (int i = 0; i < images; i++)
      for (int c = pass->cin; c < channels; c++) gate[i * channels + c] = 0;
  }
}

/* Adds the sums over pixels of g a to 16 sums. */
static inline void add_products(float *sums, const float *g, const float *a, long count) {
  for (int v = 0; v < BLOCK; v += VL) {
    V s = zero();
    for (long p = v; p < count * BLOCK; p += BLOCK) s += load(g + p) * load(a + p);
    store(sums + v, load(sums + v) + s);
  }
}

/* g times the slope of the gate's activation at the value `gate`; 0 in lanes without a channel. */
static inline void gate_slope(float *g, const float *gate, int act, int channels) {
  for (int c = 0; c < blocks_of(channels) * BLOCK; c += VL) {
    const V s = load(gate + c), slope = act == ACT_SIGMOID ? s * (1.f - s) : only((s > 0.f) & (s < 1.f), all(1.f / 6));
    store(g + c, load(g + c) * slope);
  }
}

static inline int64_t squeeze_backward_scratch(const struct nas_pass *pass) { return SQUEEZE_IMAGES * blocks_of(pass->cin) * BLOCK; }

/* The gradient of what gates read: d = (g gate + dpooled) act', of one block of an image. */
static inline void ungated(const struct nas_pass *pass, const struct sink *sink, int image, int block, const float *gate,
                           const float *dpooled) {
  const struct work *work = sink->work;
  const long pixels = (long)pass->h * pass->w;
  const float *g = plane(work, pass->g, image, blocks_of(pass->cin), block, pixels);
  const struct reading reading = before_gate(pass, work, image, block);
  float d[POINT_FLOATS], read[POINT_FLOATS], slope[POINT_FLOATS];
  for (long from = 0; from < pixels; from += POINTS) {
    const long count = pixels - from < POINTS ? pixels - from : POINTS;
    if (pass->x_act != ACT_NONE) read_rows(&reading, from, count, read, slope);
    for (int v = 0; v < BLOCK; v += VL) {
      const V factor = load(gate + v), share = load(dpooled + v) / (float)pixels;
      for (long p = v; p < count * BLOCK; p += BLOCK) {
        const V value = load(g + from * BLOCK + p) * factor + share;
        store(d + p, pass->x_act == ACT_NONE ? value : value * load(slope + p));
      }
    }
    sink_rows(sink, image, block, from, count, d, 0);
  }
}

static inline void squeeze_backward(const struct nas_pass *pass, const struct work *work) {
  const int blocks = blocks_of(pass->cin), channels = blocks * BLOCK, hidden = blocks_of(pass->squeezed) * BLOCK;
  const long pixels = (long)pass->h * pass->w;
  const struct matrix reduce = reduce_of(pass, work), expand = expand_of(pass, work);
  const struct sink sink = sink_of(work, pass);
  float *dpooled = work->scratch, read[POINT_FLOATS];
  for (int first = work->first; first < work->last; first += SQUEEZE_IMAGES) {
    const int images = work->last - first < SQUEEZE_IMAGES ? work->last - first : SQUEEZE_IMAGES;
    const float *z = at(work, pass->hidden) + (long)first * hidden, *gate = at(work, pass->x_gate) + (long)first * channels;
    float *dgate = at(work, pass->dgate) + (long)first * channels, *dhidden = at(work, pass->dhidden) + (long)first * hidden;
    for (int i = 0; i < images; i++) {
      for (int b = 0; b < blocks; b++) {
        const struct reading reading = before_gate(pass, work, first + i, b);
        const float *g = plane(work, pass->g, first + i, blocks, b, pixels);
        float *sums = dgate + i * channels + b * BLOCK;
        memset(sums, 0, BLOCK * 4);
        for (long from = 0; from < pixels; from += POINTS) {
          const long count = pixels - from < POINTS ? pixels - from : POINTS;
          read_rows(&reading, from, count, read, 0);
          add_products(sums, g + from * BLOCK, read, count);
        }
      }
      gate_slope(dgate + i * channels, gate + i * channels, pass->gate_act, pass->cin);
    }
    dense_back(images, dgate, channels, &expand, dhidden, hidden);
    slope_all(dhidden, z, (long)images * hidden, pass->squeeze_act);
    if (pass->gx == 0) continue;
    dense_back(images, dhidden, hidden, &reduce, dpooled, channels);
    for (int i = 0; i < images; i++)
      for (int b = 0; b < blocks; b++)
        ungated(pass, &sink, first + i, b, gate + i * channels + b * BLOCK, dpooled + i * channels + b * BLOCK);
  }
}

/* Images that are summed at once: their hidden values, activated, fit the stack. */
enum { UNPACK_IMAGES = 64 };

/*
 * A block of rows of a kernel's gradient [stored_rows][pitch]: the sum over images of act(a[n][row]) b[n][column], with zeros for
 * rows and columns that are not used.
 */
static inline void unpack_rows(const struct work *work, float *out, int block, int rows, int stored_rows, int width, long pitch,
                               const float *a, int act, const float *b) {
  const long a_pitch = (long)blocks_of(rows) * BLOCK, b_pitch = (long)blocks_of(width) * BLOCK;
  const int end = stored_rows < (block + 1) * BLOCK ? stored_rows : (block + 1) * BLOCK;
  const int used = rows < end ? rows - block * BLOCK : end - block * BLOCK;
  float *to = out + block * BLOCK * pitch, tile[UNPACK_IMAGES * BLOCK];
  if (used > 0) {
    for (int n = 0; n < work->images; n += UNPACK_IMAGES) {
      const int images = work->images - n < UNPACK_IMAGES ? work->images - n : UNPACK_IMAGES;
      for (int i = 0; i < images; i++) memcpy(tile + i * BLOCK, a + (n + i) * a_pitch + block * BLOCK, BLOCK * 4);
      act_all(tile, tile, images * BLOCK, act);
      outer(used, width, tile, BLOCK, b + n * b_pitch, b_pitch, images, to, pitch, n == 0);
    }
  }
  for (int row = block * BLOCK; row < end; row++) {
    const int from = row < rows ? width : 0;
    memset(out + row * pitch + from, 0, (size_t)(pitch - from) * 4);
  }
}

/* A block of a bias's gradient: the sum over images of a[n]. */
static inline void unpack_bias(const struct work *work, float *out, int block, int width, int stored, const float *a) {
  const int end = stored < (block + 1) * BLOCK ? stored : (block + 1) * BLOCK;
  const long pitch = (long)blocks_of(width) * BLOCK;
  for (int c = block * BLOCK; c < end; c++) {
    float sum = 0;
    if (c < width) for (int n = 0; n < work->images; n++) sum += a[n * pitch + c];
    out[c] = sum;
  }
}

/* Each of the gradients may be left out. */
static inline void squeeze_unpack(const struct nas_pass *pass, const struct work *work) {
  const int channels = stored_channels(pass), hidden = stored_hidden(pass), all = blocks_of(channels) + blocks_of(hidden);
  const float *dhidden = at(work, pass->dhidden), *dgate = at(work, pass->dgate);
  float *dreduce = maybe(work, pass->dreduce), *dreduce_bias = maybe(work, pass->dreduce_bias);
  float *dexpand = maybe(work, pass->dexpand), *dexpand_bias = maybe(work, pass->dexpand_bias);
  for (int i = all * work->part / work->parts; i < all * (work->part + 1) / work->parts; i++) {
    const int b = i - blocks_of(channels);
    if (b < 0) {
      if (dreduce)
        unpack_rows(work, dreduce, i, pass->cin, channels, pass->squeezed, hidden, at(work, pass->pooled), ACT_NONE, dhidden);
      if (dexpand_bias) unpack_bias(work, dexpand_bias, i, pass->cin, channels, dgate);
    } else {
      if (dexpand)
        unpack_rows(work, dexpand, b, pass->squeezed, hidden, pass->cin, channels, at(work, pass->hidden), pass->squeeze_act, dgate);
      if (dreduce_bias) unpack_bias(work, dreduce_bias, b, pass->squeezed, hidden, dhidden);
    }
  }
}

#endif
