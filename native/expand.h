/*
 * An expansion (1x1 product, norm, activation) and the depthwise convolution after it, in one pass: PANEL channels of a strip
 * of the expanded map are computed into padded planes in scratch, convolved and dropped; the backward pass computes them again.
 * Small maps are computed several images at once: the pixels of the images follow each other.
 *
 * The norm is folded into the weights (fold.h): expanded = act(x e_weights + shift). The gradient of the expanded map before
 * its norm is c1 de + c2 e + c3, where de is the gradient at the norm's output. c2 and c3 need sums over the whole batch. So gx
 * gets de e_weights_back here; OP_EXPAND_FOLD_BACKWARD makes the rest, which is affine in x, from e_dweights (x by de) and
 * e_sums (de), and OP_AFFINE adds it.
 *
 * e_weights, e_weights_back and e_dweights are packed as those of a product of `cin` and `expanded` channels (pack.h).
 */
#ifndef NAS_EXPAND_H
#define NAS_EXPAND_H

#include "depthwise.h"
#include "pack.h"

/* About as many floats as a panel's padded planes of a strip have. Tests draw it. */
#ifndef EXPAND_FLOATS
#define EXPAND_FLOATS (1 << 18)
#endif

enum {
  PANEL_BLOCKS = PANEL / BLOCK,
  EXPAND_PIXELS = 128, /* as many images at once as have so many pixels */
  OUTER_PIXELS = 512,
};

/* Activations whose derivative follows from their value. */
INLINE int is_clamp(int act) { return act == ACT_NONE || act == ACT_RELU || act == ACT_RELU6; }

/* Where everything lies in scratch, and distances in floats. */
struct expand_layout {
  struct window w;
  int most;             /* images at once */
  int cin_blocks;
  long plane, planes;   /* from image to image, and from block to block of padded planes */
  long compact;         /* from block to block of unpadded pixels of all images; whole tiles may be written */
  int32_t *places;      /* of each pixel, in the padded planes of a block */
  float *in, *slopes, *dy, *d, *x, *gx;
  long floats;
};

/* Whether pixels are copied: those of several images, and fewer than a tile has, so that nothing is read behind the map. */
INLINE int expand_copies(const struct expand_layout *l) {
  return l->most > 1 || (l->w.strips > 1 ? 1 : l->w.h) * (long)l->w.w < ROWS;
}

static struct expand_layout expand_layout_of(const struct nas_pass *pass, float *scratch) {
  struct expand_layout l = {.w = window_of(pass, PANEL_BLOCKS, EXPAND_FLOATS), .cin_blocks = blocks_of(pass->cin)};
  const long pixels = strip_floats(&l.w) / BLOCK;
  l.most = l.w.strips > 1 || pixels >= EXPAND_PIXELS ? 1 : (int)(EXPAND_PIXELS / pixels);
  l.plane = plane_floats(&l.w);
  l.planes = l.most * l.plane;
  l.compact = (l.most * pixels + ROWS) * BLOCK;
  l.in = take(scratch, &l.floats, PANEL_BLOCKS * l.planes);
  l.places = (int32_t *)(void *)take(scratch, &l.floats, l.compact / BLOCK);
  if (expand_copies(&l)) l.x = take(scratch, &l.floats, l.cin_blocks * l.compact);
  if (pass->op != OP_EXPAND_BACKWARD) return l;
  if (!is_clamp(pass->e_act)) l.slopes = take(scratch, &l.floats, PANEL_BLOCKS * l.compact);
  l.dy = take(scratch, &l.floats, grad_floats(&l.w));
  l.d = take(scratch, &l.floats, PANEL_BLOCKS * l.compact);
  if (expand_copies(&l) && pass->gx) l.gx = take(scratch, &l.floats, l.cin_blocks * l.compact);
  return l;
}

static inline int64_t expand_scratch(const struct nas_pass *pass) { return expand_layout_of(pass, 0).floats; }

/* Zeros the padding, and says where the pixels of images go: once for each run of images, or for each strip. */
static inline void expand_begin(const struct expand_layout *l, const struct strip *s) {
  const struct window *w = &l->w;
  int32_t *to = l->places;
  for (int n = 0; n < l->most; n++)
    for (int y = s->e0; y < s->e1; y++)
      for (int x = 0; x < w->w; x++) *to++ = (int32_t)(n * l->plane + ((y - s->row) * (long)w->width + w->left + x) * BLOCK);
  for (int b = 0; b < PANEL_BLOCKS; b++)
    for (int n = 0; n < l->most; n++) clear_outside(w, s, l->in + b * l->planes + n * l->plane);
}

/* What a panel will read or write next, fetched into the cache while it is computed: runs of lines of 64 bytes. */
struct lines {
  const float *at;
  long run, left, jump; /* lines of a run, of this run, floats from its end to the next one */
  int runs;
};

INLINE void fetch_lines(struct lines *a, int lines, const int writes) {
  for (; lines > 0 && a->runs > 0; lines--, a->at += BLOCK) {
    if (writes) __builtin_prefetch(a->at, 1, 2);
    else __builtin_prefetch(a->at, 0, 2);
    if (--a->left > 0) continue;
    a->left = a->run, a->at += a->jump, a->runs--;
  }
}

/* Some pixels and one panel of an expansion. */
struct expansion {
  struct lines reads[2], writes;
  int fetched; /* lines of each for a tile */
  const float *x; /* the first pixel of block 0 */
  long x_block;   /* floats from block to block */
  int cin, count; /* channels, pixels */
  const float *weights, *shift;
  int act, vectors;
};

/* act(u) of `rows` pixels of a tile u [rows][PANEL], and its derivative. */
INLINE void act_tile_with(const struct expand_layout *l, const float *u, int rows, int vectors, int first, const int act) {
  const int32_t *places = l->places + first;
  for (int j = 0; j < vectors; j++) {
    float *out = l->in + j / BV * l->planes + j % BV * VL;
    if (l->slopes == 0) {
      for (int i = 0; i < rows; i++) store(out + places[i], act_of(load(u + i * PANEL + j * VL), act));
      continue;
    }
    float *slope = l->slopes + j / BV * l->compact + j % BV * VL + first * BLOCK;
    for (int i = 0; i < rows; i++) {
      V y, s = slope_of(load(u + i * PANEL + j * VL), act, &y);
      store(out + places[i], y);
      store(slope + i * BLOCK, s);
    }
  }
}
static __attribute__((noinline)) void act_tile(const struct expand_layout *l, const float *u, int rows, int vectors, int first,
                                               int act) {
  WITH_ACT(act, act_tile_with(l, u, rows, vectors, first, ACT))
}

/* ROWS pixels from `first`, of which the first `rows` exist, by NV vectors. */
INLINE void expand_tile(const struct expand_layout *l, const struct expansion *e, const int NV, int first, int rows) {
  V c[ROWS][PV];
#pragma GCC unroll 4
  for (int j = 0; j < NV; j++) {
    const V shift = load(e->shift + j * VL);
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) c[i][j] = shift;
  }
  const float *a = e->x + (long)first * BLOCK, *b = e->weights;
  for (int left = e->cin; left > 0; left -= BLOCK, a += e->x_block)
    b = product_chunk(c, NV, a, BLOCK, left < BLOCK ? left : BLOCK, b);
  if (is_clamp(e->act)) {
    const V least = e->act == ACT_NONE ? all(-__FLT_MAX__) : zero(), most = e->act == ACT_RELU6 ? all(6.f) : all(__FLT_MAX__);
    const int32_t *places = l->places + first;
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
      if (i >= rows) break;
      float *to = l->in + places[i];
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) store(to + j / BV * l->planes + j % BV * VL, vmin(vmax(c[i][j], least), most));
    }
    return;
  }
  float u[ROWS * PANEL];
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) store(u + i * PANEL + j * VL, c[i][j]);
  act_tile(l, u, rows, NV, first, e->act);
}

INLINE void expand_with(const struct expand_layout *l, struct expansion *e, const int NV) {
  int p = 0;
  for (; p + ROWS <= e->count; p += ROWS) {
    fetch_lines(&e->reads[0], e->fetched, 0);
    fetch_lines(&e->reads[1], e->fetched, 0);
    fetch_lines(&e->writes, e->fetched, 1);
    expand_tile(l, e, NV, p, ROWS);
  }
  if (p == e->count) return;
  /* The last ROWS pixels, some of them again; fewer than ROWS lie in scratch, where more may be read. */
  if (e->count >= ROWS) expand_tile(l, e, NV, e->count - ROWS, ROWS);
  else expand_tile(l, e, NV, 0, e->count);
}
static __attribute__((noinline)) void expand_panel(const struct expand_layout *l, struct expansion *e) {
  if (e->vectors == PV) expand_with(l, e, PV);
  else expand_with(l, e, BV);
}

/* What passes over some images and a strip share. */
struct expand_part {
  const struct nas_pass *pass;
  const struct work *work;
  const struct expand_layout *l;
  struct strip s;
  int first, images;
};

INLINE struct expansion expansion_of(const struct expand_part *part) {
  const struct nas_pass *pass = part->pass;
  const struct expand_layout *l = part->l;
  const struct window *w = &l->w;
  const long pixels = (long)w->h * w->w, own = (long)(part->s.e1 - part->s.e0) * w->w, from = (long)part->s.e0 * w->w * BLOCK;
  struct expansion e = {.cin = pass->cin, .count = (int)(part->images * own), .act = pass->e_act};
  if (l->x) {
    for (int b = 0; b < l->cin_blocks; b++)
      for (int n = 0; n < part->images; n++)
        memcpy(l->x + b * l->compact + n * own * BLOCK,
               plane(part->work, pass->x, part->first + n, l->cin_blocks, b, pixels) + from, (size_t)own * BLOCK * 4);
    e.x = l->x, e.x_block = l->compact;
  } else {
    e.x = plane(part->work, pass->x, part->first, l->cin_blocks, 0, pixels) + from;
    e.x_block = pixels * BLOCK;
  }
  return e;
}

/* The lines of a panel of a map of the depthwise convolution's output in this part: blocks of an image follow each other. */
INLINE struct lines lines_of(const struct expand_part *part, int32_t map, int panel, int blocks) {
  const struct window *w = &part->l->w;
  const long pixels = (long)w->oh * w->ow, of_image = blocks_of(part->pass->expanded) * pixels;
  if (map == 0) return (struct lines){0};
  const float *at = plane(part->work, map, part->first, blocks_of(part->pass->expanded), panel * PANEL_BLOCKS, pixels);
  if (w->strips == 1) {
    const long run = blocks * pixels;
    return (struct lines){at, run, run, (of_image - run) * BLOCK, part->images};
  }
  const long run = (long)(part->s.o1 - part->s.o0) * w->ow;
  return (struct lines){at + (long)part->s.o0 * w->ow * BLOCK, run, run, (pixels - run) * BLOCK, blocks};
}

/* Computes a panel into the padded planes; the number of its blocks. */
static int expand_planes(const struct expand_part *part, struct expansion *e, int panel) {
  const struct nas_pass *pass = part->pass;
  const int rest = blocks_of(pass->expanded) - panel * PANEL_BLOCKS, blocks = rest < PANEL_BLOCKS ? rest : PANEL_BLOCKS;
  e->vectors = blocks * BV;
  e->weights = at(part->work, pass->e_weights) + panel * rows_of(1, pass->cin) * PANEL;
  e->shift = at(part->work, pass->e_norm) + (blocks_of(pass->expanded) + panel * PANEL_BLOCKS) * BLOCK;
  const int is_backward = pass->op == OP_EXPAND_BACKWARD;
  e->reads[0] = lines_of(part, is_backward ? pass->g : 0, panel, blocks);
  e->reads[1] = lines_of(part, is_backward && pass->g_norm ? pass->y : 0, panel, blocks);
  e->writes = lines_of(part, is_backward ? 0 : pass->y, panel, blocks);
  const int tiles = e->count / ROWS + 1, outputs = part->images * (part->s.o1 - part->s.o0) * part->l->w.ow * blocks;
  e->fetched = (outputs + tiles - 1) / tiles;
  expand_panel(part->l, e);
  return blocks;
}

static inline void expand_forward_part(const struct expand_part *part, float *sums) {
  const struct nas_pass *pass = part->pass;
  const struct expand_layout *l = part->l;
  const int expanded = blocks_of(pass->expanded);
  const long taps = (long)l->w.kernel * l->w.kernel * BLOCK, outputs = (long)l->w.oh * l->w.ow;
  struct expansion e = expansion_of(part);
  for (int panel = 0; panel < panels_of(pass->expanded); panel++) {
    const int blocks = expand_planes(part, &e, panel);
    for (int b = 0; b < blocks; b++) {
      const int block = panel * PANEL_BLOCKS + b;
      for (int n = 0; n < part->images; n++)
        depthwise_outputs(&l->w, &part->s, l->in + b * l->planes + n * l->plane, at(part->work, pass->weights) + block * taps,
                          plane(part->work, pass->y, part->first + n, expanded, block, outputs),
                          sums ? sums + block * BLOCK : 0, sums ? sums + (expanded + block) * BLOCK : 0);
    }
  }
}

static inline void expand_forward(const struct nas_pass *pass, const struct work *work) {
  const struct expand_layout l = expand_layout_of(pass, work->scratch);
  float *sums = partial_sums(work, pass->y_sums, pass->expanded);
  memset(l.in, 0, (size_t)(PANEL_BLOCKS * l.planes) * 4);
  if (l.x) memset(l.x, 0, (size_t)(l.cin_blocks * l.compact) * 4);
  for (int first = work->first; first < work->last; first += l.most)
    for (int i = 0; i < l.w.strips; i++) {
      const int rest = work->last - first;
      const struct expand_part part = {pass, work, &l, strip_of(&l.w, i), first, rest < l.most ? rest : l.most};
      if (first == work->first || l.w.strips > 1) expand_begin(&l, &part.s);
      expand_forward_part(&part, sums);
    }
}

#endif
