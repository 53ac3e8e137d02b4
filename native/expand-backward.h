/* EXPAND_BACKWARD: expand.h says what is computed again, and which part of the gradients is made here. */
#ifndef NAS_EXPAND_BACKWARD_H
#define NAS_EXPAND_BACKWARD_H

#include "expand.h"

/* The gradient at the expansion's norm of one block of one image: d, with its sums. */
static inline void expand_gradient(const struct expand_part *part, int block, int b, int n, float *sums) {
  const struct expand_layout *l = part->l;
  const struct nas_pass *pass = part->pass;
  const struct window *w = &l->w;
  const long from = n * (long)(part->s.i1 - part->s.i0) * w->w * BLOCK, compact = b * l->compact + from;
  const float *taps = at(part->work, pass->weights_back) + (long)block * w->kernel * w->kernel * BLOCK;
  const float *slope = 0;
  long row = (long)w->w * BLOCK;
  if (l->slopes) slope = l->slopes + compact;
  else if (pass->e_act != ACT_NONE) {
    slope = in_plane(w, &part->s, l->in + b * l->planes + n * l->plane, part->s.i0);
    row = (long)w->width * BLOCK;
  }
  const float most = l->slopes ? 0 : pass->e_act == ACT_RELU6 ? 6.f : __FLT_MAX__;
  depthwise_inputs(w, &part->s, l->dy, taps, l->d + compact, slope, row, most, sums);
}

/* Rows of x at once in the gradient of the weights. */
#if VL == 8
#define OUTER_ROWS 4
#else
#define OUTER_ROWS 8
#endif
/* out[i][j] += the sum over pixels of x[p][i] d[p][j], for OUTER_ROWS channels of x, of which `valid` exist. */
INLINE void expand_outer(const struct expand_layout *l, const int NV, const float *x, const float *d, long count, float *out,
                         int valid) {
  V c[OUTER_ROWS][PV];
#pragma GCC unroll 16
  for (int i = 0; i < OUTER_ROWS; i++)
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) c[i][j] = zero();
  for (long p = 0; p < count; p++, x += BLOCK, d += BLOCK) {
    V y[PV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) y[j] = load(d + j / BV * l->compact + j % BV * VL);
#pragma GCC unroll 16
    for (int i = 0; i < OUTER_ROWS; i++) {
      const V value = all(x[i]);
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) c[i][j] += value * y[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < OUTER_ROWS; i++) {
    if (i >= valid) break;
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) store(out + i * PANEL + j * VL, load(out + i * PANEL + j * VL) + c[i][j]);
  }
}
INLINE void expand_weights_with(const struct expand_layout *l, const struct expansion *e, const int NV, long count,
                                float *dweights) {
  /* Sums have two levels: some pixels, and all of them. */
  for (long from = 0; from < count; from += OUTER_PIXELS)
    for (int c = 0; c < e->cin; c += OUTER_ROWS)
      expand_outer(l, NV, e->x + c / BLOCK * e->x_block + from * BLOCK + c % BLOCK, l->d + from * BLOCK,
                   count - from < OUTER_PIXELS ? count - from : OUTER_PIXELS, dweights + c * PANEL, e->cin - c);
}
static __attribute__((noinline)) void expand_weights(const struct expand_layout *l, const struct expansion *e, long count,
                                                     float *dweights) {
  if (e->vectors == PV) expand_weights_with(l, e, PV, count, dweights);
  else expand_weights_with(l, e, BV, count, dweights);
}

/* gx (+)= d times a panel's rows of e_weights_back: `channels` rows, NV vectors of gx. */
INLINE void expand_inputs_with(const struct expand_layout *l, const int NV, const float *weights, int channels, long count,
                               float *gx, long gx_block, int overwrite) {
  for (long p = 0; p < count; p += ROWS) {
    const int rows = count - p < ROWS ? (int)(count - p) : ROWS;
    V c[ROWS][PV];
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) c[i][j] = zero();
    const float *a = l->d + p * BLOCK, *b = weights;
    for (int left = channels; left > 0; left -= BLOCK, a += l->compact)
      b = product_chunk(c, NV, a, BLOCK, left < BLOCK ? left : BLOCK, b);
    float *out = gx + p * BLOCK;
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
      if (i >= rows) break;
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) {
        float *to = out + j / BV * gx_block + i * BLOCK + j % BV * VL;
        store(to, overwrite ? c[i][j] : load(to) + c[i][j]);
      }
    }
  }
}
static __attribute__((noinline)) void expand_inputs(const struct expand_layout *l, int vectors, const float *weights,
                                                    int channels, long count, float *gx, long gx_block, int overwrite) {
  if (vectors == PV) expand_inputs_with(l, PV, weights, channels, count, gx, gx_block, overwrite);
  else expand_inputs_with(l, BV, weights, channels, count, gx, gx_block, overwrite);
}

static inline void expand_backward_part(const struct expand_part *part, float *dtaps, float *dweights, float *sums) {
  const struct nas_pass *pass = part->pass;
  const struct work *work = part->work;
  const struct expand_layout *l = part->l;
  const struct window *w = &l->w;
  const long taps = (long)w->kernel * w->kernel * BLOCK, pixels = (long)w->h * w->w;
  const long own = (long)(part->s.i1 - part->s.i0) * w->w, count = part->images * own;
  struct expansion e = expansion_of(part);
  float *gx = l->gx;
  if (gx == 0 && pass->gx) gx = plane(work, pass->gx, part->first, l->cin_blocks, 0, pixels) + (long)part->s.i0 * w->w * BLOCK;
  const long gx_block = l->gx ? l->compact : pixels * BLOCK;
  for (int panel = 0; panel < panels_of(pass->expanded); panel++) {
    const int blocks = expand_planes(part, &e, panel);
    for (int b = 0; b < blocks; b++) {
      const int block = panel * PANEL_BLOCKS + b;
      for (int n = 0; n < part->images; n++) {
        grad_plane(w, &part->s, work, pass, part->first + n, block, l->dy);
        if (dtaps) depthwise_taps(w, &part->s, l->in + b * l->planes + n * l->plane, l->dy, dtaps + block * taps);
        if (dweights || sums || gx) expand_gradient(part, block, b, n, sums ? sums + block * BLOCK : 0);
      }
    }
    if (dweights) expand_weights(l, &e, count, dweights + panel * rows_of(1, pass->cin) * PANEL);
    if (gx == 0) continue;
    const int rest = pass->expanded - panel * PANEL, channels = rest < PANEL ? rest : PANEL;
    for (int to = 0; to < panels_of(pass->cin); to++) {
      const int left = l->cin_blocks - to * PANEL_BLOCKS;
      expand_inputs(l, (left < PANEL_BLOCKS ? left : PANEL_BLOCKS) * BV,
                    at(work, pass->e_weights_back) + (to * rows_of(1, pass->expanded) + panel * PANEL) * PANEL, channels, count,
                    gx + to * PANEL_BLOCKS * gx_block, gx_block, panel == 0 && (l->gx || pass->gx_first));
    }
  }
  if (l->gx == 0) return;
  for (int n = 0; n < part->images; n++)
    for (int b = 0; b < l->cin_blocks; b++) {
      float *to = plane(work, pass->gx, part->first + n, l->cin_blocks, b, pixels) + (long)part->s.i0 * w->w * BLOCK;
      const float *from = l->gx + b * l->compact + n * own * BLOCK;
      for (long p = 0; p < own * BLOCK; p += VL)
        store(to + p, pass->gx_first ? load(from + p) : load(to + p) + load(from + p));
    }
}

static inline void expand_backward(const struct nas_pass *pass, const struct work *work) {
  const struct expand_layout l = expand_layout_of(pass, work->scratch);
  const int expanded = blocks_of(pass->expanded);
  float *dtaps = partial_floats(work, pass->dweights, (long)expanded * pass->kernel * pass->kernel * BLOCK);
  float *dweights = partial_floats(work, pass->e_dweights, packed_floats(1, pass->cin, pass->expanded));
  float *sums = partial_floats(work, pass->e_sums, (long)expanded * BLOCK);
  memset(l.in, 0, (size_t)(PANEL_BLOCKS * l.planes) * 4);
  memset(l.dy, 0, (size_t)grad_floats(&l.w) * 4);
  if (l.x) memset(l.x, 0, (size_t)(l.cin_blocks * l.compact) * 4);
  for (int first = work->first; first < work->last; first += l.most)
    for (int i = 0; i < l.w.strips; i++) {
      const int rest = work->last - first;
      const struct expand_part part = {pass, work, &l, strip_of(&l.w, i), first, rest < l.most ? rest : l.most};
      if (first == work->first || l.w.strips > 1) expand_begin(&l, &part.s);
      expand_backward_part(&part, dtaps, dweights, sums);
    }
}

#endif
