/*
 * Packed weights: the copies of kernels that the register kernels read, made for each step.
 *
 * A kernel [k, k, source_in, source_out], of which the first cin and cout are used (or the centre of a larger one, see
 * source_kernel), becomes panels of PANEL output channels:
 *
 *   float weights[panels_of(cout)][rows_of(k, cin)][PANEL]
 *
 * A panel's rows: input block, ky, kx, channel in the block. The last block has only as many rows as it has channels: the row
 * of block b, ky, kx, channel c is packed_row(k, cin, b, ky * k + kx) + c. Lanes without an output channel hold zeros.
 *
 * weights_back is the same for the gradient of the input: the roles of in and out are swapped and the kernel is turned by 180
 * degrees, so that a convolution of dy by it, of stride 1, is the gradient:
 *
 *   float weights_back[panels_of(cin)][rows_of(k, cout)][PANEL]
 *
 * dweights, the partial gradient, is [chunks] times the layout of `weights`. Its lanes without a channel may hold anything.
 *
 * Memory is reserved for a PANEL of 32, the largest one.
 */
#ifndef NAS_PACK_H
#define NAS_PACK_H

#include "gemm.h"
#include "maps.h"
#include "transforms.h"

INLINE int panels_of(int channels) { return (channels + PANEL - 1) / PANEL; }
INLINE long rows_of(int kernel, int channels) { return (long)kernel * kernel * channels; }
INLINE int block_channels(int channels, int block) {
  const int rest = channels - block * BLOCK;
  return rest < BLOCK ? rest : BLOCK;
}
/* The first row of a block and a tap (ky k + kx). */
INLINE long packed_row(int kernel, int channels, int block, int tap) {
  return (long)block * BLOCK * kernel * kernel + (long)tap * block_channels(channels, block);
}
INLINE long packed_floats(int kernel, int cin, int cout) { return panels_of(cout) * rows_of(kernel, cin) * PANEL; }

/* A kernel, and the part of it that is used. */
struct source {
  int kernel, cin, cout;
  int side, in, out; /* of the whole kernel */
};

INLINE struct source source_of(const struct nas_pass *pass) {
  return (struct source){pass->kernel, pass->cin, pass->cout, pass->source_kernel ? pass->source_kernel : pass->kernel,
                         pass->source_in, pass->source_out};
}
/* The place in the source of a tap's first channels. */
INLINE long source_row(const struct source *s, int tap) {
  const int margin = (s->side - s->kernel) / 2;
  return ((long)(tap / s->kernel + margin) * s->side + tap % s->kernel + margin) * s->in;
}

/* One panel of `weights`. */
static inline void pack_panel(const float *values, const struct source *s, int panel, float *to) {
  const int from = panel * PANEL, width = s->cout - from < PANEL ? s->cout - from : PANEL;
  for (int block = 0; block < blocks_of(s->cin); block++)
    for (int tap = 0; tap < s->kernel * s->kernel; tap++)
      for (int c = 0; c < block_channels(s->cin, block); c++, to += PANEL) {
        memcpy(to, values + (source_row(s, tap) + block * BLOCK + c) * s->out + from, (size_t)width * 4);
        if (width < PANEL) memset(to + width, 0, (size_t)(PANEL - width) * 4);
      }
}

/* One panel of `weights_back`: its lanes are input channels. */
static inline void pack_panel_back(const float *values, const struct source *s, int panel, float *to) {
  const int from = panel * PANEL, width = s->cin - from < PANEL ? s->cin - from : PANEL, taps = s->kernel * s->kernel;
  for (int block = 0; block < blocks_of(s->cout); block++)
    for (int tap = 0; tap < taps; tap++) {
      const int count = block_channels(s->cout, block);
      const float *tile = values + (source_row(s, taps - 1 - tap) + from) * s->out + block * BLOCK;
      for (int lane = 0; lane < width; lane++)
        for (int c = 0; c < count; c++) to[c * PANEL + lane] = tile[(long)lane * s->out + c];
      if (width < PANEL)
        for (int c = 0; c < count; c++) memset(to + c * PANEL + width, 0, (size_t)(PANEL - width) * 4);
      to += count * PANEL;
    }
}

/* The panels of this part: from <= panel < to. */
INLINE void panels_of_part(const struct work *work, int panels, int *from, int *to) {
  *from = (int)((long)panels * work->part / work->parts);
  *to = (int)((long)panels * (work->part + 1) / work->parts);
}

/* One panel of a 3x3 kernel, transformed for tiles (transforms.h): float [36][channels][PANEL] from packed rows. */
static inline void transform_panel(const float *packed, int channels, float *to) {
  for (int block = 0, c = 0; block < blocks_of(channels); block++)
    for (const int first = c; c < channels && c < first + BLOCK; c++)
      for (int v = 0; v < PANEL; v += VL)
        transform_kernel(packed + (packed_row(3, channels, block, 0) + c - first) * PANEL + v,
                         (long)block_channels(channels, block) * PANEL, to + (long)c * PANEL + v, (long)channels * PANEL);
}

static inline void pack(const struct nas_pass *pass, const struct work *work) {
  const struct source source = source_of(pass);
  for (int back = 0; back < 2; back++) {
    const int32_t weights = back ? pass->weights_back : pass->weights;
    const int channels = back ? source.cout : source.cin;
    const long floats = (pass->winograd ? SPOTS * channels : rows_of(source.kernel, channels)) * PANEL;
    if (weights == 0) continue;
    int from, to;
    panels_of_part(work, panels_of(back ? source.cin : source.cout), &from, &to);
    for (int panel = from; panel < to; panel++) {
      float *own = at(work, weights) + panel * floats, *packed = pass->winograd ? work->scratch : own;
      (back ? pack_panel_back : pack_panel)(at(work, pass->source), &source, panel, packed);
      if (pass->winograd) transform_panel(packed, channels, own);
    }
  }
}

static inline int64_t pack_scratch(const struct nas_pass *pass) {
  return pass->winograd ? rows_of(3, pass->cin > pass->cout ? pass->cin : pass->cout) * PANEL : 0;
}

/* Sums the chunks' gradients in their order. Parts of the kernel that are not used have gradients of zero. */
static inline void unpack(const struct nas_pass *pass, const struct work *work) {
  const struct source s = source_of(pass);
  const long rows = rows_of(s.kernel, s.cin), chunk_floats = packed_floats(s.kernel, s.cin, s.cout);
  const int margin = (s.side - s.kernel) / 2;
  int from, to;
  panels_of_part(work, s.side * s.side * s.in, &from, &to); /* rows of the source */
  for (int row = from; row < to; row++) {
    float *out = at(work, pass->dsource) + (long)row * s.out;
    const int channel = row % s.in, ky = row / s.in / s.side - margin, kx = row / s.in % s.side - margin;
    if (channel >= s.cin || ky < 0 || ky >= s.kernel || kx < 0 || kx >= s.kernel) {
      memset(out, 0, (size_t)s.out * 4);
      continue;
    }
    const long packed = packed_row(s.kernel, s.cin, channel / BLOCK, ky * s.kernel + kx) + channel % BLOCK;
    for (int first = 0; first < s.cout; first += PANEL) {
      const float *p = at(work, pass->dweights) + (first / PANEL * rows + packed) * PANEL;
      const int width = s.cout - first < PANEL ? s.cout - first : PANEL;
      for (int lane = 0; lane < width; lane++) {
        float sum = p[lane];
        for (int chunk = 1; chunk < work->chunks; chunk++) sum += p[chunk * chunk_floats + lane];
        out[first + lane] = sum;
      }
    }
    memset(out + s.cout, 0, (size_t)(s.out - s.cout) * 4);
  }
}

#endif
