/* Products of maps by matrices: 1x1 convolutions, their gradients, and AFFINE. */
#ifndef NAS_PRODUCTS_H
#define NAS_PRODUCTS_H

#include "finish.h"
#include "pack.h"
#include <math.h>

/* The two factors of a product over a tile. */
struct product {
  const float *a; /* pixels: [blocks][a_plane], of a pixel 16 channels */
  long a_plane;
  int cin, cout, groups;
  const float *b; /* weights of output vector v: b + v / PV * panel + v % PV * VL */
  long panel;
  const float *begin; /* values to begin with [lanes], or NULL */
  struct ahead ahead; /* maps of the shape of the first factor */
};

/* All pixels of a tile by nv vectors of output channels. `width`: floats from row to row of the weights. */
INLINE void product_vectors(const struct product *m, const struct tile *tile, const struct finish *f, const int nv, int vector,
                            const long width, const int kind) {
  const int rows = ROWS_OF(nv), stored = (nv + BV - 1) / BV * BV, full = m->cin / BLOCK, rest = m->cin % BLOCK;
  const struct range reach = reach_of(m->groups, m->cout, m->cin, vector * VL, nv * VL);
  const int begin = reach.from / BLOCK, end = blocks_of(reach.to);
  const float *weights = m->b + vector / PV * m->panel + vector % PV * VL + begin * BLOCK * width;
  struct run run = run_at(tile, 0);
  for (int at = 0; at < tile->count; at += rows) {
    V c[MOST_ROWS][MOST_VECTORS];
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++) {
      const V first = m->begin ? load(m->begin + (vector + j) * VL) : zero();
#pragma GCC unroll 16
      for (int i = 0; i < rows; i++) c[i][j] = first;
    }
    for (int block = vector / BV; block * BV < vector + nv; block++) fetch_ahead(&f->ahead, block, at, rows);
    const float *a = m->a + (long)at * BLOCK + begin * m->a_plane, *b = weights;
    for (int block = begin; block < full && block < end; block++, a += m->a_plane, b += BLOCK * width) {
      if (vector == 0) fetch_ahead(&m->ahead, block, at, rows);
      product_rows(c, rows, nv, a, BLOCK, BLOCK, b, width, m->panel);
    }
    if (rest && end > full) {
      if (vector == 0) fetch_ahead(&m->ahead, full, at, rows);
      product_rows(c, rows, nv, a, BLOCK, rest, b, width, m->panel);
    }
    while (at >= run.at + run.count) run = run_at(tile, run.at + run.count);
    if (at + rows <= run.at + run.count) {
      finish_rows(f, c, rows, nv, stored, vector, at, run.image * f->image + (run.from + at - run.at) * BLOCK, kind);
    } else {
      float values[MOST_ROWS * MOST_VECTORS * VL];
#pragma GCC unroll 16
      for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
        for (int j = 0; j < nv; j++) store(values + (i * stored + j) * VL, c[i][j]);
      }
      const int left = tile->count - at;
      finish_pixels(f, tile, values, left < rows ? left : rows, nv, stored, vector, at, kind);
    }
  }
}

/* All pixels of a tile by all output channels. */
INLINE void product_tile(const struct product *m, const struct tile *tile, const struct finish *f, const long width,
                         const int kind) {
  const int vectors = (m->cout + VL - 1) / VL;
  for (int vector = 0, nv; vector < vectors; vector += nv) {
    nv = next_vectors(vectors - vector);
    WITH_VECTORS(nv, product_vectors(m, tile, f, NV, vector, width, kind))
  }
}

/* Pixels of a tile, about `most`, whose planes of `lanes` channels in sum fill at most 48 KiB. */
INLINE int tile_size(int most, long lanes) {
  const long fits = 12288 / lanes, size = (fits < most ? fits : most) / TILE_STEP * TILE_STEP;
  return size > TILE_STEP ? (int)size : TILE_STEP;
}
/* Of a forward pass, and of a backward one: few channels are bound by memory, where short tiles are better. */
INLINE int forward_size(int blocks) { return tile_size(64, (long)blocks * BLOCK); }
INLINE int backward_size(int blocks_in, int blocks_out) { return tile_size(blocks_in + blocks_out <= 8 ? 36 : 64, BLOCK); }

/* Reads the input of a pass for a tile, [blocks][size + 1][16]. */
static inline void read_tile(const struct nas_pass *pass, const struct tile *tile, long tile_plane, float *out, float *slope) {
  for (int at = 0; at < tile->count;) {
    const struct run run = run_at(tile, at);
    for (int block = 0; block < blocks_of(pass->cin); block++) {
      const struct reading reading = input_of(tile->work, pass, run.image, block);
      const long to = block * tile_plane + (long)at * BLOCK;
      read_rows(&reading, run.from, run.count, out + to, slope ? slope + to : 0);
    }
    at += run.count;
  }
}

/* Whether a map is read as it is, without a copy: nothing is applied, and no register tile reaches beyond an image's end. */
INLINE int reads_directly(const struct tile *tile) {
  return tile->count % TILE_STEP == 0 && run_at(tile, 0).count == tile->count;
}
INLINE int is_plain(const struct nas_pass *pass) { return pass->x_norm == 0 && pass->x_gate == 0 && pass->x_act == ACT_NONE; }

/* The input of a product over a tile: the map itself where it is read as it is, else a copy in `x`. */
INLINE void set_input(struct product *m, const struct nas_pass *pass, const struct tile *tile, long tile_plane, float *x) {
  const struct run run = run_at(tile, 0);
  const int direct = is_plain(pass) && reads_directly(tile);
  if (!direct) read_tile(pass, tile, tile_plane, x, 0);
  m->a = direct ? plane(tile->work, pass->x, run.image, blocks_of(pass->cin), 0, tile->pixels) + run.from * BLOCK : x;
  m->a_plane = direct ? tile->pixels * BLOCK : tile_plane;
}

/* y = read(x) weights. */
static void product_forward(const struct nas_pass *pass, const struct work *work) {
  const int blocks_in = blocks_of(pass->cin), blocks_out = blocks_of(pass->cout);
  const long pixels = (long)pass->h * pass->w, total = (work->last - work->first) * pixels, lanes = (long)blocks_out * BLOCK;
  const int size = forward_size(blocks_in);
  const long tile_plane = (size + 1) * BLOCK;
  float *sums = partial_sums(work, pass->y_sums, pass->cout);
  float *tile_sums = work->scratch, *x = tile_sums + 2 * lanes;
  struct finish finish = {.out = at(work, pass->y), .image = blocks_out * pixels * BLOCK, .plane = pixels * BLOCK,
                                .sums = sums ? tile_sums : 0, .lanes = lanes};
  struct product product = {.cin = pass->cin, .cout = pass->cout, .groups = groups_of(pass), .b = at(work, pass->weights),
                            .panel = rows_of(1, pass->cin) * PANEL};
  for (long start = 0; start < total; start += size) {
    const struct tile tile = {work, pixels, start, (int)(total - start < size ? total - start : size)};
    set_input(&product, pass, &tile, tile_plane, x);
    product.ahead = ahead_of(&tile, size, blocks_in, pass->x, 0, 0);
    finish.ahead = ahead_of(&tile, size, blocks_out, pass->y, 0, 0);
    begin_sums(&finish, 2);
    product_tile(&product, &tile, &finish, PANEL, STORE);
    end_sums(&finish, 0, sums);
  }
}

static int64_t product_forward_scratch(const struct nas_pass *pass) {
  const int64_t in = blocks_of(pass->cin), out = blocks_of(pass->cout);
  return 2 * out * BLOCK + (in * (forward_size((int)in) + 1) + MOST_ROWS) * BLOCK;
}

/* The gradient of the weights of nv vectors of output channels and some input channels: adds the tile's to the chunk's. */
INLINE void gradient_vectors(int cin, struct range reach, const int nv, const float *x, long x_plane, const float *y,
                             long y_plane, int count, float *out, long panel, int adds) {
  enum { FEW = 4 };
  const int rows = ROWS_OF(nv);
  /* From the begin of a block: register tiles reach beyond no pixel. */
  for (int channel = reach.from / BLOCK * BLOCK, done; channel < reach.to; channel += done) {
    const int in_block = channel % BLOCK, rest = block_channels(cin, channel / BLOCK) - in_block;
    const int left = rest < reach.to - channel ? rest : reach.to - channel;
    const float *own = x + channel / BLOCK * x_plane + in_block;
    if (left > FEW && !(rows == 6 && left == 8)) { /* 8 are rather 4 and 4 than 6 and 2 */
      done = left < rows ? left : rows;
      outer_rows(rows, nv, done, own, y, y_plane, count, out + (long)channel * PANEL, panel, adds);
    } else {
      done = left < FEW ? left : FEW;
      outer_rows(FEW, nv, done, own, y, y_plane, count, out + (long)channel * PANEL, panel, adds);
    }
  }
}

/* The gradient of a matrix [cin][cout], in its packed layout. */
static void gradient_tile(int groups, int cin, int cout, const float *x, long x_plane, const float *dy, long dy_plane,
                          int count, float *dweights, int adds) {
  const long panel = rows_of(1, cin) * PANEL;
  const int vectors = (cout + VL - 1) / VL;
  for (int vector = 0, nv; vector < vectors; vector += nv) {
    nv = next_vectors(vectors - vector);
    const float *y = dy + vector / BV * dy_plane + vector % BV * VL;
    float *out = dweights + vector / PV * panel + vector % PV * VL;
    const struct range reach = reach_of(groups, cout, cin, vector * VL, nv * VL);
    WITH_VECTORS(nv, gradient_vectors(cin, reach, NV, x, x_plane, y, dy_plane, count, out, panel, adds))
  }
}

/* Whether the gradient is rather computed transposed, [cout][cin]: vectors of output channels would have many empty lanes. */
INLINE int is_turned(int cin, int cout) {
  const long lanes_in = (cin + VL - 1) / VL * VL, lanes_out = (cout + VL - 1) / VL * VL;
  return 10 * lanes_out * cin > 11 * lanes_in * cout;
}

/* Adds the transposed gradient to that of the chunk, or sets it. */
static void turn_gradient(int cin, int cout, const float *turned, float *dweights, int adds) {
  for (int ci = 0; ci < cin; ci++)
    for (int co = 0; co < cout; co++) {
      float *to = dweights + (co / PANEL * (long)cin + ci) * PANEL + co % PANEL;
      const float value = turned[(ci / PANEL * (long)cout + co) * PANEL + ci % PANEL];
      *to = adds ? *to + value : value;
    }
}

/* The gradients of the weights and of x. */
static void product_backward(const struct nas_pass *pass, const struct work *work) {
  const int blocks_in = blocks_of(pass->cin), blocks_out = blocks_of(pass->cout);
  const long pixels = (long)pass->h * pass->w, total = (work->last - work->first) * pixels, lanes = (long)blocks_in * BLOCK;
  const int size = backward_size(blocks_in, blocks_out), act = pass->x_act, groups = groups_of(pass);
  const int acts = pass->gx && pass->x_gate == 0 && act != ACT_NONE; /* with a gate, the slope is left out */
  const int is_relu = act == ACT_RELU || act == ACT_RELU6, needs_slope = acts && !is_relu;
  const long tile_plane = (size + 1) * BLOCK, dw_floats = packed_floats(1, pass->cin, pass->cout);
  float *dweights = maybe(work, pass->dweights);
  if (dweights) { /* the chunk's first tile sets them */
    dweights += work->part * dw_floats;
    if (total == 0) memset(dweights, 0, (size_t)dw_floats * 4);
  }
  const struct sink sink = sink_of(work, pass);
  float *tile_sums = work->scratch, *dy = tile_sums + 4 * lanes, *x = dy + blocks_out * tile_plane;
  float *slope = x + blocks_in * tile_plane, *turned = slope + blocks_in * tile_plane;
  const int turns = is_turned(pass->cin, pass->cout) && total >= 8 * size, adds = !work->begins;
  struct finish finish = {
      .out = at(work, pass->gx), .image = blocks_in * pixels * BLOCK, .plane = pixels * BLOCK, .adds = !pass->gx_first,
      .slope = needs_slope ? slope : 0, .read = acts && is_relu ? x : 0, .top = act == ACT_RELU6 ? 6 : INFINITY,
      .tile_plane = tile_plane, .add0 = maybe(work, pass->add0), .add1 = maybe(work, pass->add1),
      .z0 = sink.s0 ? at(work, pass->s0_z) : 0, .z1 = sink.s1 ? at(work, pass->s1_z) : 0, .sums = tile_sums, .lanes = lanes};
  struct product product = {.cin = pass->cout, .cout = pass->cin, .groups = groups, .b = at(work, pass->weights_back),
                            .panel = rows_of(1, pass->cout) * PANEL};
  const int32_t z_ahead = sink.s0 && pass->s0_z != pass->x ? pass->s0_z : 0;
  for (long start = 0; start < total; start += size) {
    const struct tile tile = {work, pixels, start, (int)(total - start < size ? total - start : size)};
    const struct run first = run_at(&tile, 0);
    const int direct = reads_directly(&tile);
    const float *own_x = x;
    long x_plane = tile_plane;
    if (direct && is_plain(pass)) {
      own_x = plane(work, pass->x, first.image, blocks_in, 0, pixels) + first.from * BLOCK;
      x_plane = pixels * BLOCK;
    } else if (acts || dweights) {
      read_tile(pass, &tile, tile_plane, x, needs_slope ? slope : 0);
    }
    product.a = dy;
    product.a_plane = tile_plane;
    if (direct && pass->g_norm == 0) {
      product.a = plane(work, pass->g, first.image, blocks_out, 0, pixels) + first.from * BLOCK;
      product.a_plane = pixels * BLOCK;
    } else {
      for (int at = 0; at < tile.count;) {
        const struct run run = run_at(&tile, at);
        for (int block = 0; block < blocks_out; block++)
          grad_rows(work, pass, run.image, block, run.from, run.count, dy + block * tile_plane + (long)at * BLOCK);
        at += run.count;
      }
    }
    if (dweights && turns)
      gradient_tile(groups, pass->cout, pass->cin, product.a, product.a_plane, own_x, x_plane, tile.count, turned, start > 0);
    else if (dweights)
      gradient_tile(groups, pass->cin, pass->cout, own_x, x_plane, product.a, product.a_plane, tile.count, dweights,
                    start > 0 || adds);
    if (pass->gx == 0) continue;
    product.ahead = ahead_of(&tile, size, blocks_out, pass->g, pass->g_norm ? pass->y : 0, 0);
    finish.ahead = ahead_of(&tile, size, blocks_in, pass->gx, acts || dweights ? pass->x : 0, z_ahead);
    begin_sums(&finish, 4);
    product_tile(&product, &tile, &finish, PANEL, SINK);
    end_sums(&finish, 0, sink.s0);
    end_sums(&finish, 2, sink.s1);
  }
  if (dweights && turns) turn_gradient(pass->cin, pass->cout, turned, dweights, adds);
}

static int64_t product_backward_scratch(const struct nas_pass *pass) {
  const int64_t in = blocks_of(pass->cin), out = blocks_of(pass->cout);
  const int64_t turned = is_turned(pass->cin, pass->cout) ? packed_floats(1, pass->cout, pass->cin) : 0;
  return 4 * in * BLOCK + ((2 * in + out) * (backward_size((int)in, (int)out) + 1) + MOST_ROWS) * BLOCK + turned;
}

/* gx = x matrix + vector + ...; the input is a plain map. */
static void affine(const struct nas_pass *pass, const struct work *work) {
  const int blocks = blocks_of(pass->cin);
  const long pixels = (long)pass->h * pass->w, total = (work->last - work->first) * pixels, lanes = (long)blocks * BLOCK;
  const int size = forward_size(blocks);
  const long tile_plane = (size + 1) * BLOCK;
  const struct sink sink = sink_of(work, pass);
  float *tile_sums = work->scratch, *x = tile_sums + 4 * lanes;
  struct finish finish = {
      .out = at(work, pass->gx), .image = blocks * pixels * BLOCK, .plane = pixels * BLOCK, .adds = !pass->gx_first,
      .add0 = maybe(work, pass->add0), .add1 = maybe(work, pass->add1), .z0 = sink.s0 ? at(work, pass->s0_z) : 0,
      .z1 = sink.s1 ? at(work, pass->s1_z) : 0, .sums = tile_sums, .lanes = lanes};
  const float *vector = at(work, pass->affine);
  struct product product = {.cin = pass->cin, .cout = pass->cin, .groups = 1, .b = vector + lanes, .panel = PANEL,
                            .begin = vector};
  for (long start = 0; start < total; start += size) {
    const struct tile tile = {work, pixels, start, (int)(total - start < size ? total - start : size)};
    set_input(&product, pass, &tile, tile_plane, x);
    product.ahead = ahead_of(&tile, size, blocks, pass->x, 0, 0);
    finish.ahead = ahead_of(&tile, size, blocks, pass->gx, pass->add0, sink.s0 && pass->s0_z != pass->x ? pass->s0_z : 0);
    begin_sums(&finish, 4);
    product_tile(&product, &tile, &finish, lanes, SINK);
    end_sums(&finish, 0, sink.s0);
    end_sums(&finish, 2, sink.s1);
  }
}

static int64_t affine_scratch(const struct nas_pass *pass) {
  const int64_t blocks = blocks_of(pass->cin);
  return 4 * blocks * BLOCK + (blocks * (forward_size((int)blocks) + 1) + MOST_ROWS) * BLOCK;
}

#endif
