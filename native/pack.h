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
 * With groups there is a kernel [k, k, source_in, source_out] for each of them, of cin / groups and cout / groups channels.
 * They are packed as one kernel with zeros for pairs of channels of different groups, which products and convolutions mostly skip.
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

INLINE int groups_of(const struct nas_pass *pass) { return pass->groups ? pass->groups : 1; }

struct range {
  int from, to; /* from <= i < to */
};

/* The channels of the other side that products with `count` channels from `first` read. own, other: of all groups. */
INLINE struct range reach_of(int groups, int own, int other, int first, int count) {
  const int last = first + count < own ? first + count : own;
  return (struct range){first / (own / groups) * (other / groups), ((last - 1) / (own / groups) + 1) * (other / groups)};
}

/* A kernel, or one for each group, and the part of each that is used. */
struct source {
  int kernel, cin, cout; /* cin, cout: of a group */
  int side, in, out;     /* of the whole kernel */
  int groups;
  long apart;            /* floats from kernel to kernel */
};

INLINE struct source source_of(const struct nas_pass *pass) {
  const int groups = groups_of(pass);
  return (struct source){pass->kernel, pass->cin / groups, pass->cout / groups,
                         pass->source_kernel ? pass->source_kernel : pass->kernel, pass->source_in, pass->source_out, groups,
                         pass->source_group};
}
/* The group of an input channel. */
INLINE int group_of(const struct source *s, int channel) { return s->groups == 1 ? 0 : channel / s->cin; }
INLINE int first_output(const struct source *s, int group) { return group * s->cout; }
/* The outputs of a group whose channels are begin <= c < end. */
INLINE struct range outputs_between(const struct source *s, int group, int begin, int end) {
  const int first = first_output(s, group);
  const int from = begin < first ? 0 : begin - first, to = end < first ? 0 : end - first;
  return (struct range){from, to < s->cout ? to : s->cout};
}
/* The place in the source of a tap's first channels. */
INLINE long source_row(const struct source *s, int tap) {
  const int margin = (s->side - s->kernel) / 2;
  return ((long)(tap / s->kernel + margin) * s->side + tap % s->kernel + margin) * s->in;
}

/* One panel of `weights`. */
static inline void pack_panel(const float *values, const struct source *s, int panel, float *to) {
  const int begin = panel * PANEL, cin = s->groups * s->cin;
  for (int block = 0; block < blocks_of(cin); block++)
    for (int tap = 0; tap < s->kernel * s->kernel; tap++)
      for (int c = 0; c < block_channels(cin, block); c++, to += PANEL) {
        const int group = group_of(s, block * BLOCK + c), channel = block * BLOCK + c - group * s->cin;
        const float *row = values + group * s->apart + (source_row(s, tap) + channel) * s->out;
        const struct range outputs = outputs_between(s, group, begin, begin + PANEL);
        const int count = outputs.to - outputs.from;
        if (count < PANEL) memset(to, 0, PANEL * 4);
        if (count > 0) memcpy(to + first_output(s, group) + outputs.from - begin, row + outputs.from, (size_t)count * 4);
      }
}

/* One panel of `weights_back`: its lanes are input channels. Inlined, so that a constant number of groups is no work. */
INLINE void pack_lanes_back(const float *values, const struct source *s, int panel, float *to) {
  const int cin = s->groups * s->cin, cout = s->groups * s->cout, taps = s->kernel * s->kernel;
  const int from = panel * PANEL, width = cin - from < PANEL ? cin - from : PANEL;
  for (int block = 0; block < blocks_of(cout); block++)
    for (int tap = 0; tap < taps; tap++) {
      const int begin = block * BLOCK, count = block_channels(cout, block);
      if (width < PANEL || s->groups > 1) memset(to, 0, (size_t)count * PANEL * 4);
      for (int lane = 0; lane < width; lane++) {
        const int group = group_of(s, from + lane), first = first_output(s, group) - begin;
        const float *row = values + group * s->apart + (source_row(s, taps - 1 - tap) + from + lane - group * s->cin) * s->out;
        const struct range outputs = outputs_between(s, group, begin, begin + count);
        for (int o = outputs.from; o < outputs.to; o++) to[(first + o) * PANEL + lane] = row[o];
      }
      to += count * PANEL;
    }
}

static inline void pack_panel_back(const float *values, const struct source *s, int panel, float *to) {
  if (s->groups > 1) {
    pack_lanes_back(values, s, panel, to);
    return;
  }
  const struct source one = {s->kernel, s->cin, s->cout, s->side, s->in, s->out, 1, 0};
  pack_lanes_back(values, &one, panel, to);
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
    const int channels = back ? pass->cout : pass->cin;
    const long floats = (pass->winograd ? SPOTS * channels : rows_of(source.kernel, channels)) * PANEL;
    if (weights == 0) continue;
    int from, to;
    panels_of_part(work, panels_of(back ? pass->cin : pass->cout), &from, &to);
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
  const long rows = rows_of(s.kernel, pass->cin), chunk_floats = packed_floats(s.kernel, pass->cin, pass->cout);
  const int margin = (s.side - s.kernel) / 2;
  int from, to;
  panels_of_part(work, s.groups * s.side * s.side * s.in, &from, &to); /* rows of the sources */
  for (int i = from; i < to; i++) {
    const int group = i / (s.side * s.side * s.in), row = i % (s.side * s.side * s.in);
    float *out = at(work, pass->dsource) + group * s.apart + (long)row * s.out;
    const int own = row % s.in, channel = group * s.cin + own, first = first_output(&s, group);
    const int ky = row / s.in / s.side - margin, kx = row / s.in % s.side - margin;
    if (own >= s.cin || ky < 0 || ky >= s.kernel || kx < 0 || kx >= s.kernel) {
      memset(out, 0, (size_t)s.out * 4);
      continue;
    }
    const long packed = packed_row(s.kernel, pass->cin, channel / BLOCK, ky * s.kernel + kx) + channel % BLOCK;
    for (int panel = first / PANEL; panel * PANEL < first + s.cout; panel++) {
      const struct range outputs = outputs_between(&s, group, panel * PANEL, (panel + 1) * PANEL);
      const float *p = at(work, pass->dweights) + (panel * rows + packed) * PANEL + first - panel * PANEL;
      for (int o = outputs.from; o < outputs.to; o++) {
        float sum = p[o];
        for (int chunk = 1; chunk < work->chunks; chunk++) sum += p[chunk * chunk_floats + o];
        out[o] = sum;
      }
    }
    memset(out + s.cout, 0, (size_t)(s.out - s.cout) * 4);
  }
}

#endif
