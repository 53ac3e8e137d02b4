/*
 * 3x3 convolutions of stride 1 by transformed tiles (transforms.h): tiles of several images, or of some rows of a large one,
 * are transformed at once, then multiplied spot by spot as 36 products of [tiles][cin] and [cin][cout].
 *
 *   float weights[panels_of(cout)][36][cin][PANEL], weights_back[panels_of(cin)][36][cout][PANEL]
 */
#ifndef NAS_WINOGRAD_H
#define NAS_WINOGRAD_H

#include "tiles.h"
#include "transforms.h"

/* Floats of the transformed tiles of a strip, about, and its tiles: enough of them for each row of weights that is read. */
enum { SPOT_FLOATS = 1 << 18, FEWEST_TILES = 32, MOST_TILES = 128 };

struct winograd_layout {
  struct padded planes;
  int images, rows;         /* of a strip: several images with all rows of tiles, or one with some rows */
  int all_rows, columns;    /* tiles of an image */
  int tiles;                /* of a strip */
  long apart, pitch;        /* floats between spots, and between tiles, of transformed inputs */
  long filled, inputs, outputs, pixels, targets, dense, slope, sums, floats;
};

INLINE int least_of(int a, int b) { return a < b ? a : b; }

/* Tiles of the map that is read: the input, or the gradient of the output. has_outputs: 0 for the gradient of the weights. */
static struct winograd_layout winograd_layout_of(const struct nas_pass *pass, enum padded_contents contents, int has_outputs) {
  const int channels = contents == MAP ? pass->cin : pass->cout, blocks = blocks_of(channels);
  struct winograd_layout l = {0};
  l.pitch = (long)blocks * BLOCK;
  l.all_rows = (pass->h + SIDE - 1) / SIDE, l.columns = (pass->w + SIDE - 1) / SIDE;
  const long fit = SPOT_FLOATS / (SPOTS * (l.pitch + PANEL));
  const int most = (int)(fit < FEWEST_TILES ? FEWEST_TILES : fit > MOST_TILES ? MOST_TILES : fit);
  l.images = most / (l.all_rows * l.columns) > 1 ? most / (l.all_rows * l.columns) : 1;
  l.rows = l.images > 1 ? l.all_rows : least_of(l.all_rows, most / l.columns > 1 ? most / l.columns : 1);
  l.tiles = l.images * l.rows * l.columns;
  l.planes = (struct padded){
      .contents = contents, .channels = channels, .blocks = blocks, .lanes = BLOCK, .rows = pass->h, .columns = pass->w,
      .left = -1, .width = l.columns * SIDE + 2, .height = l.rows * SIDE + 2,
  };
  l.apart = l.tiles * l.pitch + BLOCK; /* no power of two: spots of a tile are in different sets of the cache */
  l.filled = reserve(&l.floats, padded_floats(&l.planes));
  l.inputs = reserve(&l.floats, SPOTS * l.apart);
  l.outputs = reserve(&l.floats, SPOTS * (l.tiles * PANEL + BLOCK));
  l.pixels = reserve(&l.floats, l.tiles);
  l.targets = reserve(&l.floats, l.tiles);
  if (!has_outputs) l.sums = reserve(&l.floats, SPOTS * BLOCK * PANEL + BLOCK);
  if (contents == GRADIENT) {
    l.dense = reserve(&l.floats, (long)l.rows * SIDE * pass->w * BLOCK);
    l.slope = reserve(&l.floats, 2L * l.rows * SIDE * pass->w * BLOCK);
  }
  return l;
}

/* Parts of nearly the same size instead of full ones and a rest. */
INLINE int even_part(int count, int most) {
  const int parts = (count + most - 1) / most;
  return parts <= 1 ? most : (count + parts - 1) / parts;
}

/* The layout for the images of a part. */
static struct winograd_layout winograd_layout_for(const struct nas_pass *pass, const struct work *work,
                                                  enum padded_contents contents, int has_outputs) {
  struct winograd_layout l = winograd_layout_of(pass, contents, has_outputs);
  l.images = even_part(work->last - work->first, l.images);
  l.rows = even_part(l.all_rows, l.rows);
  return l;
}

/* Transforms all tiles of a strip: rows of tiles from `row`, of the images from <= n < to. */
static void transform_strip(const struct work *work, const struct nas_pass *pass, struct winograd_layout *l, int from, int to,
                            int row, int rows) {
  float *plane = work->scratch + l->filled, *inputs = work->scratch + l->inputs;
  int32_t *pixels = (int32_t *)(work->scratch + l->pixels), *targets = (int32_t *)(work->scratch + l->targets);
  l->planes.top = row * SIDE - 1, l->planes.height = rows * SIDE + 2;
  for (int t = 0; t < (to - from) * rows * l->columns; t++) pixels[t] = (int32_t)(t * l->pitch), targets[t] = t * PANEL;
  for (int b = 0; b < l->planes.blocks; b++)
    for (int n = from; n < to; n++) {
      fill_plane(work, pass, &l->planes, n, b, plane);
      transform_input(plane, l->planes.width, rows, l->columns,
                      inputs + (n - from) * rows * l->columns * l->pitch + b * BLOCK, l->apart, l->pitch);
    }
}

/* Outputs of one panel in the transformed domain, [36][tiles][PANEL]. */
static void winograd_panel(const struct work *work, const struct winograd_layout *l, int vectors, int tiles, int channels,
                           const float *weights, long apart) {
  const int32_t *pixels = (int32_t *)(work->scratch + l->pixels), *targets = (int32_t *)(work->scratch + l->targets);
  const struct run_of_rows run = {0, 0, channels};
  for (int spot = 0; spot < SPOTS; spot++) {
    const struct tile_output output = {work->scratch + l->outputs + spot * apart, BLOCK, 0};
    conv_tiles(vectors, work->scratch + l->inputs + spot * l->apart, pixels, targets, tiles, &run, 1,
               weights + (long)spot * channels * PANEL, (long)channels * PANEL, &output);
  }
}

/* Transforms one block of the outputs of an image back. */
static void winograd_outputs(const float *spots, long apart, float *out, int width, int height, int rows, int columns,
                             float *sums) {
  for (int y = 0; y < rows; y++)
    for (int x = 0; x < columns; x++, spots += PANEL)
      transform_output(spots, apart, out + ((long)y * SIDE * width + x * SIDE) * BLOCK, width,
                       least_of(height - y * SIDE, SIDE), least_of(width - x * SIDE, SIDE), sums);
}

static void winograd_forward(const struct nas_pass *pass, const struct work *work) {
  struct winograd_layout l = winograd_layout_for(pass, work, MAP, 1);
  const int out_blocks = blocks_of(pass->cout);
  float *sums = partial_sums(work, pass->y_sums, pass->cout);
  for (int n = work->first; n < work->last; n += l.images)
    for (int row = 0; row < l.all_rows; row += l.rows) {
      const int images = least_of(work->last - n, l.images), rows = least_of(l.all_rows - row, l.rows);
      const int tiles = rows * l.columns;
      const long apart = (long)images * tiles * PANEL + BLOCK, from = (long)row * SIDE * pass->w * BLOCK;
      transform_strip(work, pass, &l, n, n + images, row, rows);
      for (int panel = 0; panel < panels_of(pass->cout); panel++) {
        const int vectors = vectors_of(pass->cout, panel), block = panel * PANEL / BLOCK;
        winograd_panel(work, &l, vectors, images * tiles, pass->cin,
                       at(work, pass->weights) + (long)panel * SPOTS * pass->cin * PANEL, apart);
        for (int b = 0; b < vectors / BV; b++) {
          float own[2 * BLOCK] = {0};
          for (int i = 0; i < images; i++)
            winograd_outputs(work->scratch + l.outputs + (long)i * tiles * PANEL + b * BLOCK, apart,
                             plane(work, pass->y, n + i, out_blocks, block + b, (long)pass->h * pass->w) + from, pass->w,
                             pass->h - row * SIDE, rows, l.columns, sums ? own : 0);
          if (sums)
            for (int v = 0; v < BLOCK; v += VL) {
              float *s = sums + (block + b) * BLOCK + v, *q = s + out_blocks * BLOCK;
              store(s, load(s) + load(own + v)), store(q, load(q) + load(own + BLOCK + v));
            }
        }
      }
    }
}

static void winograd_input_gradient(const struct nas_pass *pass, const struct work *work) {
  struct winograd_layout l = winograd_layout_for(pass, work, GRADIENT, 1);
  const struct sink sink = sink_of(work, pass);
  const int has_slope = pass->x_act != ACT_NONE && pass->x_gate == 0;
  float *dense = work->scratch + l.dense, *slope = work->scratch + l.slope;
  for (int n = work->first; n < work->last; n += l.images)
    for (int row = 0; row < l.all_rows; row += l.rows) {
      const int images = least_of(work->last - n, l.images), rows = least_of(l.all_rows - row, l.rows);
      const int tiles = rows * l.columns;
      const long apart = (long)images * tiles * PANEL + BLOCK, from = (long)row * SIDE * pass->w;
      const long own = (long)least_of(rows * SIDE, pass->h - row * SIDE) * pass->w;
      transform_strip(work, pass, &l, n, n + images, row, rows);
      for (int panel = 0; panel < panels_of(pass->cin); panel++) {
        const int vectors = vectors_of(pass->cin, panel);
        winograd_panel(work, &l, vectors, images * tiles, pass->cout,
                       at(work, pass->weights_back) + (long)panel * SPOTS * pass->cout * PANEL, apart);
        for (int b = 0; b < vectors / BV; b++)
          for (int i = 0; i < images; i++) {
            const int block = panel * PANEL / BLOCK + b;
            winograd_outputs(work->scratch + l.outputs + (long)i * tiles * PANEL + b * BLOCK, apart, dense, pass->w,
                             pass->h - row * SIDE, rows, l.columns, 0);
            if (has_slope) {
              const struct reading reading = input_of(work, pass, n + i, block);
              read_rows(&reading, from, own, slope + own * BLOCK, slope);
            }
            sink_rows(&sink, n + i, block, from, own, dense, has_slope ? slope : 0);
          }
      }
    }
}

static void winograd_weights_gradient(const struct nas_pass *pass, const struct work *work) {
  struct winograd_layout l = winograd_layout_for(pass, work, MAP, 0);
  struct padded gradients = l.planes;
  gradients.contents = GRADIENT, gradients.left = 0, gradients.width = l.columns * SIDE;
  float *filled = work->scratch + l.filled, *outputs = work->scratch + l.outputs, *sums = work->scratch + l.sums;
  const int32_t *pixels = (int32_t *)(work->scratch + l.pixels);
  const long floats = packed_floats(3, pass->cin, pass->cout);
  float *dweights = at(work, pass->dweights) + work->part * floats;
  int32_t channels[BLOCK];
  for (int c = 0; c < BLOCK; c++) channels[c] = c;
  if (work->begins) memset(dweights, 0, (size_t)floats * 4);
  for (int n = work->first; n < work->last; n += l.images)
    for (int row = 0; row < l.all_rows; row += l.rows) {
      const int images = least_of(work->last - n, l.images), rows = least_of(l.all_rows - row, l.rows), own = rows * l.columns;
      const int tiles = images * own;
      const long block = (long)tiles * BLOCK, apart = (long)tiles * PANEL + BLOCK;
      transform_strip(work, pass, &l, n, n + images, row, rows);
      gradients.top = row * SIDE, gradients.height = rows * SIDE;
      for (int panel = 0; panel < panels_of(pass->cout); panel++) {
        const int vectors = vectors_of(pass->cout, panel);
        for (int b = 0; b < vectors / BV; b++)
          for (int i = 0; i < images; i++) {
            fill_plane(work, pass, &gradients, n + i, panel * PANEL / BLOCK + b, filled);
            transform_gradient(filled, gradients.width, rows, l.columns, outputs + b * block + (long)i * own * BLOCK, apart,
                               BLOCK);
          }
        for (int b = 0; b < l.planes.blocks; b++) {
          const int count = block_channels(pass->cin, b);
          for (int spot = 0; spot < SPOTS; spot++)
            conv_sums(vectors, 0, work->scratch + l.inputs + spot * l.apart + b * BLOCK, channels, count, pixels, tiles,
                      outputs + spot * apart, block, sums + spot * BLOCK * PANEL);
          float *to = dweights + (panel * rows_of(3, pass->cin) + packed_row(3, pass->cin, b, 0)) * PANEL;
          for (int c = 0; c < count; c++)
            for (int v = 0; v < vectors * VL; v += VL)
              transform_kernel_gradient(sums + c * PANEL + v, BLOCK * PANEL, to + c * PANEL + v, (long)count * PANEL);
        }
      }
    }
}

#endif
