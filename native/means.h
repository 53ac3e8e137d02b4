/* Means of windows over maps: average pools. Values outside the map are not counted; windows of side 0 give zeros. */
#ifndef NAS_MEANS_H
#define NAS_MEANS_H

#include "points.h"

/* The rows or columns of the input, from <= i < to, in window `index` on one axis. */
struct span {
  int from, to;
};
INLINE struct span span_of(const struct nas_pass *pass, int index, int pad, int size) {
  const int from = index * pass->stride - pad, to = from + pass->kernel;
  return (struct span){from < 0 ? 0 : from, to < size ? to : size};
}

/* out[window] = the mean of in's values there; backward: out's values in each window get in[window] / their number more. */
INLINE void means_of(const struct nas_pass *pass, const float *in, float *out, const int backward) {
  memset(out, 0, (size_t)(backward ? pass->h * pass->w : pass->oh * pass->ow) * BLOCK * 4);
  if (pass->kernel == 0) return;
  for (int oy = 0; oy < pass->oh; oy++)
    for (int ox = 0; ox < pass->ow; ox++) {
      const struct span rows = span_of(pass, oy, pass->pad_top, pass->h), columns = span_of(pass, ox, pass->pad_left, pass->w);
      const V share = all(1.f / (float)((rows.to - rows.from) * (columns.to - columns.from)));
      const long window = ((long)oy * pass->ow + ox) * BLOCK;
      for (int v = 0; v < BLOCK; v += VL) {
        V sum = zero();
        const V own = backward ? load(in + window + v) * share : zero();
        for (int y = rows.from; y < rows.to; y++)
          for (int x = columns.from; x < columns.to; x++) {
            const long p = ((long)y * pass->w + x) * BLOCK + v;
            if (backward) store(out + p, load(out + p) + own);
            else sum += load(in + p);
          }
        if (!backward) store(out + window + v, sum * share);
      }
    }
}

static inline void mean_forward(const struct nas_pass *pass, const struct work *work) {
  const int blocks = blocks_of(pass->cin);
  const long pixels = (long)pass->h * pass->w, out = (long)pass->oh * pass->ow;
  float *sums = partial_sums(work, pass->y_sums, pass->cin), *in = work->scratch;
  for (int n = work->first; n < work->last; n++)
    for (int b = 0; b < blocks; b++) {
      const struct reading reading = input_of(work, pass, n, b);
      float *y = plane(work, pass->y, n, blocks, b, out);
      read_rows(&reading, 0, pixels, in, 0);
      means_of(pass, in, y, 0);
      if (pass->cin - b * BLOCK < BLOCK) clear_lanes(y, out, pass->cin - b * BLOCK);
      if (sums) add_sums(sums + b * BLOCK, sums + (blocks + b) * BLOCK, y, y, out);
    }
}

static inline void mean_backward(const struct nas_pass *pass, const struct work *work) {
  const struct sink sink = sink_of(work, pass);
  const long pixels = (long)pass->h * pass->w, out = (long)pass->oh * pass->ow;
  float *d = work->scratch, *dy = d + pixels * BLOCK, *slope = dy + out * BLOCK;
  for (int n = work->first; n < work->last; n++)
    for (int b = 0; b < blocks_of(pass->cin); b++) {
      grad_rows(work, pass, n, b, 0, out, dy);
      if (has_slope(pass)) {
        const struct reading reading = input_of(work, pass, n, b);
        read_rows(&reading, 0, pixels, d, slope);
      }
      means_of(pass, dy, d, 1);
      sink_rows(&sink, n, b, 0, pixels, d, has_slope(pass) ? slope : 0);
    }
}

static int64_t mean_scratch(const struct nas_pass *pass) {
  return (2L * pass->h * pass->w + (long)pass->oh * pass->ow) * BLOCK;
}

#endif
