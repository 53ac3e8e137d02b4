/*
 * Depthwise convolutions. Weights are float [blocks][k][k][16] (PACK_DEPTHWISE), dweights is a partial array of that layout.
 *
 * The gradient of the input is a correlation of stride 1 for each class of input rows and columns: pixel (y, x) with
 * (y + pad_top) % stride = py and (x + pad_left) % stride = px meets only the taps ky = py, py + stride, ... and kx likewise.
 * weights_back holds those taps, turned by 180 degrees, class by class: [blocks][py][px][...][16].
 *
 * Planes are worked on in strips of rows that stay in the cache.
 */
#ifndef NAS_DEPTHWISE_H
#define NAS_DEPTHWISE_H

#include "taps.h"

/* About as many floats as a padded plane in the cache has. Tests draw it. */
#ifndef STRIP_FLOATS
#define STRIP_FLOATS (1 << 16)
#endif

enum { SINK_PIXELS = 256 };

/* Geometry of a pass, and of the planes of its strips. */
struct window {
  int kernel, stride, top, left, h, w, oh, ow;
  int strip, strips;    /* output rows of a strip */
  int rows, width;      /* of a padded plane of the input */
  int before;           /* rows and columns of zeros or neighbours before a plane of the gradient */
  int grad_rows, grad_width;
};

/* The geometry for strips such that `planes` padded planes of the input have about `floats` floats. */
static struct window window_of(const struct nas_pass *pass, int planes, long floats) {
  struct window w = {.kernel = pass->kernel, .stride = pass->stride, .top = pass->pad_top, .left = pass->pad_left,
                     .h = pass->h, .w = pass->w, .oh = pass->oh, .ow = pass->ow};
  const int k = w.kernel, s = w.stride, reach = (w.w - 1 + w.left) / s + 1;
  w.width = (w.ow - 1) * s + k > w.left + w.w ? (w.ow - 1) * s + k : w.left + w.w;
  w.before = (k - 1) / s;
  w.grad_width = w.before + (reach > w.ow ? reach : w.ow);
  const long most = floats / ((long)planes * w.width * BLOCK); /* rows of a padded plane */
  w.strip = most < k ? 1 : (int)((most - k) / s) + 1;
  if (w.strip > w.oh) w.strip = w.oh;
  w.strips = (w.oh + w.strip - 1) / w.strip;
  w.strip = (w.oh + w.strips - 1) / w.strips;
  w.strips = (w.oh + w.strip - 1) / w.strip;
  /* The last strip has the rows that no output reads, too. */
  const int first = (w.strips - 1) * w.strip, last = w.h + w.top - first * s, full = (w.strip - 1) * s + (k > s ? k : s);
  w.rows = last > full ? last : full;
  const int below = (w.h - 1 + w.top) / s + 1;
  w.grad_rows = w.before + (below - first > w.strip ? below - first : w.strip);
  return w;
}

/* Rows of a strip: outputs o0 <= o < o1; inputs that they read e0 <= e < e1, of which gradients are due for i0 <= i < i1. */
struct strip {
  int o0, o1, e0, e1, i0, i1;
  int row; /* of the input: row 0 of the padded plane */
};

static struct strip strip_of(const struct window *w, int index) {
  struct strip s = {.o0 = index * w->strip};
  const int last = index == w->strips - 1;
  s.o1 = last ? w->oh : s.o0 + w->strip;
  s.row = s.o0 * w->stride - w->top;
  const int end = s.row + (s.o1 - s.o0 - 1) * w->stride + w->kernel, next = s.row + (s.o1 - s.o0) * w->stride;
  s.i0 = index == 0 || s.row < 0 ? 0 : s.row < w->h ? s.row : w->h;
  s.i1 = last ? w->h : next < 0 ? 0 : next < w->h ? next : w->h;
  s.e0 = s.i0;
  s.e1 = end > s.i1 ? end : s.i1;
  if (s.e1 > w->h) s.e1 = w->h;
  return s;
}

INLINE long plane_floats(const struct window *w) { return (long)w->rows * w->width * BLOCK; }
INLINE long grad_floats(const struct window *w) { return (long)w->grad_rows * w->grad_width * BLOCK; }
/* Floats of the unpadded input rows of a strip. */
INLINE long strip_floats(const struct window *w) { return (long)(w->rows < w->h ? w->rows : w->h) * w->w * BLOCK; }
/* Pixel (y, 0) of the input in the padded plane of a strip. */
INLINE float *in_plane(const struct window *w, const struct strip *s, float *plane, int y) {
  return plane + ((long)(y - s->row) * w->width + w->left) * BLOCK;
}

/* Zeros above row e0 and below row e1 of the padded plane; the columns beside it are zero already. */
static void clear_outside(const struct window *w, const struct strip *s, float *plane) {
  const long row = (long)w->width * BLOCK;
  memset(plane, 0, (size_t)((s->e0 - s->row) * row) * 4);
  memset(plane + (s->e1 - s->row) * row, 0, (size_t)((w->rows - (s->e1 - s->row)) * row) * 4);
}

/* Reads rows e0 .. e1 of the input into a padded plane; slope, if not NULL: [(e1 - e0) w][16]. */
INLINE void read_plane_with(const struct window *w, const struct strip *s, const struct reading *r, float *plane, float *slope,
                            const int act) {
  for (int y = s->e0; y < s->e1; y++) {
    const long from = (long)y * w->w;
    read_with(r, from, w->w, in_plane(w, s, plane, y), slope == 0 ? 0 : slope + (from - (long)s->e0 * w->w) * BLOCK, act);
  }
}
static void read_plane(const struct window *w, const struct strip *s, const struct reading *r, float *plane, float *slope) {
  if (w->strips > 1) clear_outside(w, s, plane);
  WITH_ACT(r->act, read_plane_with(w, s, r, plane, slope, ACT))
}

/* The gradient of the outputs of a strip, with the rows above it that its gradients need, in a padded plane. */
static void grad_plane(const struct window *w, const struct strip *s, const struct work *work, const struct nas_pass *pass,
                       int image, int block, float *plane) {
  const long row = (long)w->grad_width * BLOCK;
  const int first = s->o0 - w->before < 0 ? 0 : s->o0 - w->before;
  float *to = plane + (first - s->o0 + w->before) * row + w->before * BLOCK;
  if (w->strips > 1) {
    memset(plane, 0, (size_t)((first - s->o0 + w->before) * row) * 4);
    memset(plane + (s->o1 - s->o0 + w->before) * row, 0, (size_t)((w->grad_rows - (s->o1 - s->o0 + w->before)) * row) * 4);
  }
  for (int y = first; y < s->o1; y++, to += row) grad_rows(work, pass, image, block, (long)y * w->ow, w->ow, to);
}

/* Output rows of a strip from its padded plane; sums: of this block, or NULL. */
static inline void depthwise_outputs(const struct window *w, const struct strip *s, const float *plane, const float *taps,
                                     float *y, float *sums, float *squares) {
  const struct correlation k = {.in = plane, .in_row = (long)w->width * BLOCK, .taps = taps, .kh = w->kernel, .kw = w->kernel,
                                .stride = w->stride, .out = y + (long)s->o0 * w->ow * BLOCK, .out_row = (long)w->ow * BLOCK,
                                .out_pixel = BLOCK, .rows = s->o1 - s->o0, .cols = w->ow, .sums = sums, .squares = squares};
  correlate(&k);
}

/* Adds the gradient of the taps of a strip. */
static inline void depthwise_taps(const struct window *w, const struct strip *s, const float *plane, const float *dy,
                                  float *dtaps) {
  const long row = (long)w->grad_width * BLOCK;
  const struct tap_gradient g = {.in = plane, .in_row = (long)w->width * BLOCK, .dy = dy + w->before * (row + BLOCK),
                                 .dy_row = row, .rows = s->o1 - s->o0, .cols = w->ow, .kernel = w->kernel, .stride = w->stride,
                                 .dtaps = dtaps};
  tap_gradients(&g);
}

/* Taps of a class: ky = p, p + stride, ... < kernel. */
INLINE int class_taps(int kernel, int stride, int p) { return p < kernel ? (kernel - p + stride - 1) / stride : 0; }

/*
 * The gradient of input rows i0 .. i1 of a strip, d [(i1 - i0) w][16], times `slope` (as in a correlation), whose rows are
 * `slope_row` floats apart. sums: [16], to which its sums are added, or NULL.
 */
static inline void depthwise_inputs(const struct window *w, const struct strip *s, const float *dy, const float *taps, float *d,
                                    const float *slope, long slope_row, float most, float *sums) {
  const int stride = w->stride;
  for (int py = 0; py < stride; py++) {
    const int kh = class_taps(w->kernel, stride, py), y = s->i0 + (py + stride - (s->i0 + w->top) % stride) % stride;
    for (int px = 0; px < stride; px++) {
      const int kw = class_taps(w->kernel, stride, px), x = (px + stride - w->left % stride) % stride;
      /* The first output row and column that the first pixel of the class meets. */
      const int row = (y + w->top - py) / stride - (kh - 1) - s->o0 + w->before;
      const int col = (x + w->left - px) / stride - (kw - 1) + w->before;
      const struct correlation k = {
          .in = dy + ((long)row * w->grad_width + col) * BLOCK, .in_row = (long)w->grad_width * BLOCK,
          .taps = taps, .kh = kh, .kw = kw, .stride = 1,
          .out = d + ((long)(y - s->i0) * w->w + x) * BLOCK, .out_row = (long)stride * w->w * BLOCK,
          .out_pixel = (long)stride * BLOCK,
          .rows = (s->i1 - y + stride - 1) / stride, .cols = (w->w - x + stride - 1) / stride,
          .slope = slope == 0 ? 0 : slope + (y - s->i0) * slope_row + x * BLOCK, .slope_row = stride * slope_row,
          .slope_pixel = (long)stride * BLOCK, .most = most, .sums = sums};
      correlate(&k);
      taps += kh * kw * BLOCK;
    }
  }
}

static inline int64_t depthwise_scratch(const struct nas_pass *pass) {
  const struct window w = window_of(pass, 1, STRIP_FLOATS);
  return pass->op == OP_DEPTHWISE_FORWARD ? plane_floats(&w) : plane_floats(&w) + grad_floats(&w) + 2 * strip_floats(&w);
}

static inline void depthwise_forward(const struct nas_pass *pass, const struct work *work) {
  const struct window w = window_of(pass, 1, STRIP_FLOATS);
  const int blocks = blocks_of(pass->cin);
  const long taps = (long)w.kernel * w.kernel * BLOCK;
  float *sums = partial_sums(work, pass->y_sums, pass->cin);
  memset(work->scratch, 0, (size_t)plane_floats(&w) * 4);
  for (int image = work->first; image < work->last; image++)
    for (int block = 0; block < blocks; block++) {
      const struct reading r = input_of(work, pass, image, block);
      for (int i = 0; i < w.strips; i++) {
        const struct strip s = strip_of(&w, i);
        read_plane(&w, &s, &r, work->scratch, 0);
        depthwise_outputs(&w, &s, work->scratch, at(work, pass->weights) + block * taps,
                          plane(work, pass->y, image, blocks, block, (long)w.oh * w.ow), sums ? sums + block * BLOCK : 0,
                          sums ? sums + (blocks + block) * BLOCK : 0);
      }
    }
}

/* This chunk's part of a partial array, zero at its first image; NULL where there is no such array. */
static float *partial_floats(const struct work *work, int32_t partial, long floats) {
  if (partial == 0) return 0;
  float *own = at(work, partial) + work->part * floats;
  if (work->begins) memset(own, 0, (size_t)floats * 4);
  return own;
}

static inline void depthwise_backward(const struct nas_pass *pass, const struct work *work) {
  const struct window w = window_of(pass, 1, STRIP_FLOATS);
  const int blocks = blocks_of(pass->cin);
  const long taps = (long)w.kernel * w.kernel * BLOCK;
  float *dtaps = partial_floats(work, pass->dweights, blocks * taps);
  const struct sink sink = sink_of(work, pass);
  float *in = work->scratch, *dy = in + plane_floats(&w), *d = dy + grad_floats(&w);
  /* The gradient of a gated map goes out without the slope of its activation. */
  float *slope = pass->gx && pass->x_act != ACT_NONE && pass->x_gate == 0 ? d + strip_floats(&w) : 0;
  memset(in, 0, (size_t)(plane_floats(&w) + grad_floats(&w)) * 4);
  for (int image = work->first; image < work->last; image++)
    for (int block = 0; block < blocks; block++) {
      const struct reading r = input_of(work, pass, image, block);
      for (int i = 0; i < w.strips; i++) {
        const struct strip s = strip_of(&w, i);
        if (dtaps || slope) read_plane(&w, &s, &r, in, slope);
        grad_plane(&w, &s, work, pass, image, block, dy);
        if (dtaps) depthwise_taps(&w, &s, in, dy, dtaps + block * taps);
        if (pass->gx == 0) continue;
        depthwise_inputs(&w, &s, dy, at(work, pass->weights_back) + block * taps, d, slope, (long)w.w * BLOCK, 0, 0);
        /* Some pixels at once: their sums are added in two levels, from the first cache. */
        const long first = (long)s.i0 * w.w, own = (long)(s.i1 - s.i0) * w.w;
        for (long p = 0; p < own; p += SINK_PIXELS)
          sink_rows(&sink, image, block, first + p, own - p < SINK_PIXELS ? own - p : SINK_PIXELS, d + p * BLOCK, 0);
      }
    }
}

/* Side of the stored kernel. */
INLINE int source_side(const struct nas_pass *pass) { return pass->source_kernel ? pass->source_kernel : pass->kernel; }

static inline void pack_depthwise(const struct nas_pass *pass, const struct work *work) {
  const int k = pass->kernel, s = pass->stride, side = source_side(pass), edge = (side - k) / 2, blocks = blocks_of(pass->cin);
  const float *source = at(work, pass->source);
  for (int block = work->part; block < blocks; block += work->parts) {
    const int width = pass->cin - block * BLOCK < BLOCK ? pass->cin - block * BLOCK : BLOCK;
    float *to = at(work, pass->weights) + (long)block * k * k * BLOCK;
    memset(to, 0, (size_t)k * k * BLOCK * 4);
    for (int ky = 0; ky < k; ky++)
      for (int kx = 0; kx < k; kx++)
        memcpy(to + (ky * k + kx) * BLOCK,
               source + ((long)(edge + ky) * side + edge + kx) * pass->source_in + block * BLOCK, (size_t)width * 4);
    if (pass->weights_back == 0) continue;
    float *back = at(work, pass->weights_back) + (long)block * k * k * BLOCK;
    for (int py = 0; py < s; py++)
      for (int px = 0; px < s; px++)
        for (int y = class_taps(k, s, py) - 1; y >= 0; y--)
          for (int x = class_taps(k, s, px) - 1; x >= 0; x--, back += BLOCK)
            memcpy(back, to + ((py + s * y) * k + px + s * x) * BLOCK, BLOCK * 4);
  }
}

/* Sums the chunks' gradients in their order. Parts of the kernel that are not used have gradients of zero. */
static inline void unpack_depthwise(const struct nas_pass *pass, const struct work *work) {
  const int k = pass->kernel, side = source_side(pass), edge = (side - k) / 2, blocks = blocks_of(pass->cin);
  const long floats = (long)blocks * k * k * BLOCK;
  for (int tap = work->part; tap < side * side; tap += work->parts) {
    const int ky = tap / side - edge, kx = tap % side - edge;
    float *to = at(work, pass->dsource) + (long)tap * pass->source_in;
    memset(to, 0, (size_t)pass->source_in * 4);
    if (ky < 0 || ky >= k || kx < 0 || kx >= k) continue;
    for (int chunk = 0; chunk < work->chunks; chunk++) {
      const float *from = at(work, pass->dweights) + chunk * floats + (ky * k + kx) * BLOCK;
      for (int c = 0; c < pass->cin; c++) to[c] += from[(long)(c / BLOCK) * k * k * BLOCK + c % BLOCK];
    }
  }
}

#endif
