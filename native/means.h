/* Passes over windows of maps. Pools take means and maxima: values outside the map are not counted, and means of side 0 give
   zeros. In maps of twice the size, a window is one value. */
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

/* Does `code` for the offset p of each value of a window. */
#define IN_WINDOW(code)                                                                                                        \
  for (int y = rows.from; y < rows.to; y++)                                                                                    \
    for (int x = columns.from; x < columns.to; x++) {                                                                          \
      const long p = ((long)y * pass->w + x) * BLOCK + v;                                                                      \
      code;                                                                                                                    \
    }

/* out[window] = the mean of in's values there; backward: out's values in each window get dy[window] / their number more. */
INLINE void means_of(const float *in, float *out, const float *dy, long window, int v, const struct nas_pass *pass,
                     const struct span rows, const struct span columns) {
  const V share = all(1.f / (float)((rows.to - rows.from) * (columns.to - columns.from)));
  V sum = zero();
  if (dy) {
    const V own = load(dy + window + v) * share;
    IN_WINDOW(store(out + p, load(out + p) + own))
  } else {
    IN_WINDOW(sum += load(in + p))
    store(out + window + v, sum * share);
  }
}

/* out[window] = the largest of in's values there; backward: out at the first of these gets dy[window] more. */
INLINE void maxima_of(const float *in, float *out, const float *dy, long window, int v, const struct nas_pass *pass,
                      const struct span rows, const struct span columns) {
  V most = load(in + ((long)rows.from * pass->w + columns.from) * BLOCK + v);
  IN_WINDOW(most = vmax(load(in + p), most))
  if (dy) {
    V left = load(dy + window + v);
    IN_WINDOW(const I here = load(in + p) == most; store(out + p, load(out + p) + only(here, left)); left = only(~here, left))
  } else {
    store(out + window + v, most);
  }
}

/* out[window] = in at half of the place; backward: out there gets dy[window] more. */
INLINE void doubled_of(const float *in, float *out, const float *dy, long window, int v, const struct nas_pass *pass, int oy,
                       int ox) {
  const long p = ((long)(oy / 2) * pass->w + ox / 2) * BLOCK + v;
  if (dy) store(out + p, load(out + p) + load(dy + window + v));
  else store(out + window + v, load(in + p));
}

enum windows { MEANS, MAXIMA, DOUBLED };

/* All windows of one block, from in; or their gradient, from dy (and in, of maxima). */
INLINE void windows_of(const struct nas_pass *pass, const float *in, float *out, const float *dy, const enum windows kind) {
  memset(out, 0, (size_t)(dy ? pass->h * pass->w : pass->oh * pass->ow) * BLOCK * 4);
  if (kind != DOUBLED && pass->kernel == 0) return;
  for (int oy = 0; oy < pass->oh; oy++)
    for (int ox = 0; ox < pass->ow; ox++) {
      const struct span rows = span_of(pass, oy, pass->pad_top, pass->h), columns = span_of(pass, ox, pass->pad_left, pass->w);
      const long window = ((long)oy * pass->ow + ox) * BLOCK;
      for (int v = 0; v < BLOCK; v += VL)
        if (kind == DOUBLED) doubled_of(in, out, dy, window, v, pass, oy, ox);
        else if (kind == MAXIMA) maxima_of(in, out, dy, window, v, pass, rows, columns);
        else means_of(in, out, dy, window, v, pass, rows, columns);
    }
}

INLINE void windows_forward(const struct nas_pass *pass, const struct work *work, const enum windows kind) {
  const int blocks = blocks_of(pass->cin);
  const long pixels = (long)pass->h * pass->w, out = (long)pass->oh * pass->ow;
  float *sums = partial_sums(work, pass->y_sums, pass->cin), *in = work->scratch;
  for (int n = work->first; n < work->last; n++)
    for (int b = 0; b < blocks; b++) {
      const struct reading reading = input_of(work, pass, n, b);
      float *y = plane(work, pass->y, n, blocks, b, out);
      read_rows(&reading, 0, pixels, in, 0);
      windows_of(pass, in, y, 0, kind);
      if (pass->cin - b * BLOCK < BLOCK) clear_lanes(y, out, pass->cin - b * BLOCK);
      /* In parts, as elsewhere: one long sum of floats loses digits. */
      for (long p = 0; sums && p < out; p += POINTS) {
        float *from = y + p * BLOCK;
        add_sums(sums + b * BLOCK, sums + (blocks + b) * BLOCK, from, from, out - p < POINTS ? out - p : POINTS);
      }
    }
}

INLINE void windows_backward(const struct nas_pass *pass, const struct work *work, const enum windows kind) {
  const struct sink sink = sink_of(work, pass);
  const long pixels = (long)pass->h * pass->w, out = (long)pass->oh * pass->ow;
  float *d = work->scratch, *in = d + pixels * BLOCK, *slope = in + pixels * BLOCK, *dy = slope + pixels * BLOCK;
  for (int n = work->first; n < work->last; n++)
    for (int b = 0; b < blocks_of(pass->cin); b++) {
      grad_rows(work, pass, n, b, 0, out, dy);
      if (kind == MAXIMA || has_slope(pass)) {
        const struct reading reading = input_of(work, pass, n, b);
        read_rows(&reading, 0, pixels, in, has_slope(pass) ? slope : 0);
      }
      windows_of(pass, in, d, dy, kind);
      sink_rows(&sink, n, b, 0, pixels, d, has_slope(pass) ? slope : 0);
    }
}

static inline void mean_forward(const struct nas_pass *pass, const struct work *work) { windows_forward(pass, work, MEANS); }
static inline void mean_backward(const struct nas_pass *pass, const struct work *work) { windows_backward(pass, work, MEANS); }
static inline void max_forward(const struct nas_pass *pass, const struct work *work) { windows_forward(pass, work, MAXIMA); }
static inline void max_backward(const struct nas_pass *pass, const struct work *work) { windows_backward(pass, work, MAXIMA); }
static inline void double_forward(const struct nas_pass *pass, const struct work *work) {
  windows_forward(pass, work, DOUBLED);
}
static inline void double_backward(const struct nas_pass *pass, const struct work *work) {
  windows_backward(pass, work, DOUBLED);
}

static int64_t windows_scratch(const struct nas_pass *pass) {
  return (3L * pass->h * pass->w + (long)pass->oh * pass->ow) * BLOCK;
}

#endif
