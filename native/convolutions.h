/*
 * k x k convolutions of images and of maps, and 1x1 ones of stride 2.
 *
 * A convolution is a product over padded copies of its input (tiles.h), whatever the plane's width and the stride are. Several
 * small images, or some rows of a large one, are computed at once: a strip. Those of 3x3 and stride 1 may multiply transformed
 * tiles instead (winograd.h).
 */
#ifndef NAS_CONVOLUTIONS_H
#define NAS_CONVOLUTIONS_H

#include "tiles.h"
#include "winograd.h"

/* Floats of the padded planes of a strip, and pixels of a strip that joins several images, at most (unless a row has more). */
enum { CONV_FLOATS = 1 << 17, JOINED_PIXELS = 2048, CONV_PIXELS = 4096 };

/* ---- Sizes ---- */

struct conv_strip {
  int images, rows; /* several images with all their rows, or one with some */
};

/* `floats` for each row and `rows` x `columns` pixels of an image, and `more` for each image. */
static struct conv_strip conv_strip_of(long floats, long more, int rows, int columns) {
  const long whole = floats * rows + more;
  if (whole <= CONV_FLOATS && (long)rows * columns <= CONV_PIXELS) {
    const long fit = CONV_FLOATS / whole, few = JOINED_PIXELS / ((long)rows * columns), images = fit < few ? fit : few;
    return (struct conv_strip){images > 1 ? (int)images : 1, rows};
  }
  const long fit = (CONV_FLOATS - more) / floats, few = CONV_PIXELS / columns, some = fit < few ? fit : few;
  return (struct conv_strip){1, some < 1 ? 1 : some > rows ? rows : (int)some};
}

/* What a part of a pass needs: its strips, and offsets into scratch. */
struct conv_layout {
  struct padded planes;
  struct conv_strip strip;
  long filled, pixels, targets, runs, rows, dense, slope, floats;
};

INLINE int is_images(const struct nas_pass *pass) { return pass->op == OP_IMAGES_FORWARD || pass->op == OP_IMAGES_BACKWARD; }
INLINE int floor_of(int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

/* Planes of the input, of one strip of output rows; backward: for the gradient of the weights. */
static struct conv_layout conv_layout_of_input(const struct nas_pass *pass, int backward) {
  const int images = is_images(pass), k = pass->kernel, s = pass->stride;
  struct conv_layout l = {0};
  l.planes = (struct padded){
      .contents = images ? IMAGE : MAP,
      .channels = pass->cin,
      .blocks = images ? 1 : blocks_of(pass->cin),
      .lanes = images ? pass->cin : BLOCK,
      .rows = pass->h, .columns = pass->w,
      .left = -pass->pad_left, .width = (pass->ow - 1) * s + k,
  };
  const long row = (long)l.planes.blocks * l.planes.lanes * l.planes.width;
  const long dense = (long)blocks_of(pass->cout) * BLOCK * pass->ow;
  l.strip = conv_strip_of(row * s + (backward ? dense : 0), k > s ? row * (k - s) : 0, pass->oh, pass->ow);
  l.planes.height = (l.strip.rows - 1) * s + k;
  const long pixels = (long)l.strip.images * l.strip.rows * pass->ow;
  l.filled = reserve(&l.floats, l.strip.images * l.planes.blocks * padded_floats(&l.planes));
  l.pixels = reserve(&l.floats, pixels);
  if (backward) {
    l.dense = reserve(&l.floats, blocks_of(pass->cout) * pixels * BLOCK);
    l.rows = reserve(&l.floats, rows_of(k, pass->cin));
  } else {
    l.targets = reserve(&l.floats, pixels);
  }
  l.runs = reserve(&l.floats, 3L * l.planes.blocks * k * k);
  return l;
}

/* Planes of dy, of one strip of input rows. */
static struct conv_layout conv_layout_of_gradient(const struct nas_pass *pass) {
  const int k = pass->kernel, s = pass->stride, left = floor_of(pass->pad_left - (k - 1), s);
  struct conv_layout l = {0};
  l.planes = (struct padded){
      .contents = GRADIENT,
      .channels = pass->cout, .blocks = blocks_of(pass->cout), .lanes = BLOCK,
      .rows = pass->oh, .columns = pass->ow,
      .left = left, .width = (pass->w - 1 + pass->pad_left) / s - left + 1,
  };
  const long row = (long)l.planes.blocks * BLOCK * l.planes.width, dense = (PANEL / BLOCK + 1) * BLOCK * pass->w;
  l.strip = conv_strip_of((row + s - 1) / s + dense, row * ((k - 1) / s + 1), pass->h, pass->w);
  l.planes.height = (l.strip.rows + k - 2) / s + 2;
  const long pixels = (long)l.strip.images * l.strip.rows * pass->w;
  l.filled = reserve(&l.floats, l.strip.images * l.planes.blocks * padded_floats(&l.planes));
  l.pixels = reserve(&l.floats, pixels);
  l.targets = reserve(&l.floats, pixels);
  l.runs = reserve(&l.floats, 3L * l.planes.blocks * k * k);
  l.dense = reserve(&l.floats, PANEL / BLOCK * pixels * BLOCK);
  l.slope = reserve(&l.floats, 2L * l.strip.rows * pass->w * BLOCK);
  return l;
}

/* ---- Forward ---- */

/* The channels of block b that are in `reach`, from its first channel. */
INLINE struct range channels_of(const struct padded *planes, int b, struct range reach) {
  const int first = b * planes->lanes, from = reach.from - first, to = reach.to - first;
  return (struct range){from > 0 ? from : 0, to < planes->lanes ? to : planes->lanes};
}

/* The values that belong to each run of rows of some input channels, and the number of runs. */
static int runs_of_input(const struct padded *planes, int k, struct range reach, struct run_of_rows *runs) {
  int count = 0;
  for (int b = reach.from / planes->lanes; b * planes->lanes < reach.to; b++) {
    const struct range own = channels_of(planes, b, reach);
    const int rest = planes->channels - b * planes->lanes, channels = rest < planes->lanes ? rest : planes->lanes;
    const int whole = own.to - own.from == planes->lanes; /* neighbouring taps are one run */
    for (int ky = 0; ky < k; ky++)
      for (int kx = 0; kx < (whole ? 1 : k); kx++)
        runs[count++] = (struct run_of_rows){
            (int32_t)(b * padded_floats(planes) + ((long)ky * planes->width + kx) * planes->lanes + own.from),
            b * planes->lanes * k * k + (ky * k + kx) * channels + own.from, whole ? k * channels : own.to - own.from};
  }
  return count;
}

/* Where in the planes each output pixel of a strip begins. */
static int pixels_of_input(const struct nas_pass *pass, const struct padded *planes, int images, int rows, int32_t *pixels) {
  int count = 0;
  for (int n = 0; n < images; n++)
    for (int y = 0; y < rows; y++)
      for (int x = 0; x < pass->ow; x++)
        pixels[count++] = (int32_t)(n * planes->blocks * padded_floats(planes) +
                                    ((long)y * planes->width + x) * pass->stride * planes->lanes);
  return count;
}

static void conv_forward(const struct nas_pass *pass, const struct work *work) {
  if (pass->winograd) {
    winograd_forward(pass, work);
    return;
  }
  struct conv_layout l = conv_layout_of_input(pass, 0);
  float *planes = work->scratch + l.filled, *sums = partial_sums(work, pass->y_sums, pass->cout);
  int32_t *pixels = (int32_t *)(work->scratch + l.pixels), *targets = (int32_t *)(work->scratch + l.targets);
  struct run_of_rows *runs = (struct run_of_rows *)(work->scratch + l.runs);
  const int out_blocks = blocks_of(pass->cout);
  const long out = (long)pass->oh * pass->ow * BLOCK; /* floats of an output plane */
  for (int n = work->first; n < work->last; n += l.strip.images)
    for (int row = 0; row < pass->oh; row += l.strip.rows) {
      const int images = work->last - n < l.strip.images ? work->last - n : l.strip.images;
      const int rows = pass->oh - row < l.strip.rows ? pass->oh - row : l.strip.rows;
      l.planes.top = row * pass->stride - pass->pad_top;
      l.planes.height = (rows - 1) * pass->stride + pass->kernel;
      fill_planes(work, pass, &l.planes, n, n + images, planes);
      const int count = pixels_of_input(pass, &l.planes, images, rows, pixels);
      for (int i = 0, p = 0; i < images; i++)
        for (int j = 0; j < rows * pass->ow; j++) targets[p++] = (int32_t)(i * out_blocks * out + j * BLOCK);
      for (int panel = 0; panel < panels_of(pass->cout); panel++) {
        float own[2 * PANEL] = {0};
        const int vectors = vectors_of(pass->cout, panel), block = panel * PANEL / BLOCK;
        const struct range reach = reach_of(groups_of(pass), pass->cout, pass->cin, panel * PANEL, PANEL);
        const int run_count = runs_of_input(&l.planes, pass->kernel, reach, runs);
        const struct tile_output output = {
            plane(work, pass->y, n, out_blocks, block, out / BLOCK) + (long)row * pass->ow * BLOCK, out, sums ? own : 0};
        conv_tiles(vectors, planes, pixels, targets, count, runs, run_count,
                 at(work, pass->weights) + panel * rows_of(pass->kernel, pass->cin) * PANEL, 0, &output);
        if (sums)
          for (int i = 0; i < vectors * VL; i += VL) {
            float *s = sums + block * BLOCK + i, *q = s + out_blocks * BLOCK;
            store(s, load(s) + load(own + i)), store(q, load(q) + load(own + PANEL + i));
          }
      }
    }
}

static int64_t conv_forward_scratch(const struct nas_pass *pass) {
  return pass->winograd ? winograd_layout_of(pass, MAP, 1).floats : conv_layout_of_input(pass, 0).floats;
}

/* ---- Backward ---- */

/* The gradient of the weights: rows of the input's values times dy, summed over pixels. */
static void conv_weights_gradient(const struct nas_pass *pass, const struct work *work) {
  struct conv_layout l = conv_layout_of_input(pass, 1);
  float *planes = work->scratch + l.filled, *dense = work->scratch + l.dense;
  int32_t *pixels = (int32_t *)(work->scratch + l.pixels), *rows = (int32_t *)(work->scratch + l.rows);
  struct run_of_rows *runs = (struct run_of_rows *)(work->scratch + l.runs);
  const int k = pass->kernel, out_blocks = blocks_of(pass->cout), row_count = (int)rows_of(k, pass->cin);
  float *dweights = at(work, pass->dweights) + work->part * packed_floats(k, pass->cin, pass->cout);
  if (work->begins) memset(dweights, 0, (size_t)packed_floats(k, pass->cin, pass->cout) * 4);
  for (int n = work->first; n < work->last; n += l.strip.images)
    for (int row = 0; row < pass->oh; row += l.strip.rows) {
      const int images = work->last - n < l.strip.images ? work->last - n : l.strip.images;
      const int some = pass->oh - row < l.strip.rows ? pass->oh - row : l.strip.rows;
      l.planes.top = row * pass->stride - pass->pad_top;
      l.planes.height = (some - 1) * pass->stride + k;
      fill_planes(work, pass, &l.planes, n, n + images, planes);
      const int count = pixels_of_input(pass, &l.planes, images, some, pixels);
      for (int b = 0, r = 0; b < l.planes.blocks; b++) {
        const int rest = pass->cin - b * l.planes.lanes, channels = rest < l.planes.lanes ? rest : l.planes.lanes;
        for (int tap = 0; tap < k * k; tap++)
          for (int c = 0; c < channels; c++)
            rows[r++] =
                (int32_t)(b * padded_floats(&l.planes) + ((long)(tap / k) * l.planes.width + tap % k) * l.planes.lanes + c);
      }
      const long own = (long)some * pass->ow, block = images * own * BLOCK;
      for (int b = 0; b < out_blocks; b++)
        for (int i = 0; i < images; i++)
          grad_rows(work, pass, n + i, b, (long)row * pass->ow, own, dense + b * block + i * own * BLOCK);
      for (int panel = 0; panel < panels_of(pass->cout); panel++) {
        const int vectors = vectors_of(pass->cout, panel);
        const float *dy = dense + panel * PANEL / BLOCK * block;
        float *out = dweights + (long)panel * row_count * PANEL;
        const struct range reach = reach_of(groups_of(pass), pass->cout, pass->cin, panel * PANEL, PANEL);
        const int run_count = pass->groups ? runs_of_input(&l.planes, k, reach, runs) : 1;
        if (!pass->groups) runs[0] = (struct run_of_rows){0, 0, row_count};
        for (int r = 0; r < run_count; r++)
          conv_sums(vectors, 1, planes, rows + runs[r].row, runs[r].length, pixels, count, dy, block,
                    out + (long)runs[r].row * PANEL);
      }
    }
}

/*
 * The gradient of the input: row y of the input has the output rows (y + pad - ky) / stride, for each ky where that is a whole
 * number. So inputs fall into stride x stride classes, each with taps of its own. The kernel is turned: `turned` rises with the
 * output's row.
 */
static int runs_of_class(const struct padded *planes, const struct nas_pass *pass, int cy, int cx, struct range reach,
                         struct run_of_rows *runs) {
  const int k = pass->kernel, s = pass->stride;
  int count = 0;
  for (int b = reach.from / BLOCK; b * BLOCK < reach.to; b++) {
    const struct range own = channels_of(planes, b, reach);
    const int channels = own.to - own.from, joined = s == 1 && channels == BLOCK;
    for (int ky = 0, y = 0; ky < k; ky++) {
      if ((k - 1 - ky) % s != cy) continue;
      for (int kx = 0, x = 0; kx < (joined ? 1 : k); kx++) {
        if ((k - 1 - kx) % s != cx) continue;
        runs[count++] = (struct run_of_rows){
            (int32_t)(b * padded_floats(planes) + ((long)y * planes->width + x) * BLOCK + own.from),
            (int32_t)packed_row(k, planes->channels, b, ky * k + kx) + own.from, joined ? k * channels : channels};
        x++;
      }
      y++;
    }
  }
  return count;
}

/* Pixels of a class of a strip of input rows, beginning with image row `top`. */
static int pixels_of_class(const struct padded *planes, const struct nas_pass *pass, int cy, int cx, int images, int top,
                           int rows, int32_t *pixels, int32_t *targets) {
  const int k = pass->kernel, s = pass->stride;
  /* The class's first row and column, and where their first taps are in the planes; no class has taps where cy >= k. */
  const int y0 = top + (cy + s - (top + pass->pad_top) % s) % s, x0 = (cx + s - pass->pad_left % s) % s;
  const int oy = (y0 + pass->pad_top) / s - (cy < k ? (k - 1 - cy) / s : 0) - planes->top;
  const int ox = (x0 + pass->pad_left) / s - (cx < k ? (k - 1 - cx) / s : 0) - planes->left;
  int count = 0;
  for (int n = 0; n < images; n++) {
    long from = n * planes->blocks * padded_floats(planes) + ((long)oy * planes->width + ox) * BLOCK;
    for (int y = y0; y < top + rows; y += s, from += planes->width * BLOCK) {
      const int to = (n * rows + y - top) * pass->w * BLOCK;
      for (int x = x0, i = 0; x < pass->w; x += s, i++)
        pixels[count] = (int32_t)from + i * BLOCK, targets[count++] = to + x * BLOCK;
    }
  }
  return count;
}

static void conv_input_gradient(const struct nas_pass *pass, const struct work *work) {
  struct conv_layout l = conv_layout_of_gradient(pass);
  float *planes = work->scratch + l.filled, *dense = work->scratch + l.dense, *slope = work->scratch + l.slope;
  int32_t *pixels = (int32_t *)(work->scratch + l.pixels), *targets = (int32_t *)(work->scratch + l.targets);
  struct run_of_rows *runs = (struct run_of_rows *)(work->scratch + l.runs);
  const struct sink sink = sink_of(work, pass);
  const int s = pass->stride, k = pass->kernel, has_slope = pass->x_act != ACT_NONE && pass->x_gate == 0;
  for (int n = work->first; n < work->last; n += l.strip.images)
    for (int row = 0; row < pass->h; row += l.strip.rows) {
      const int images = work->last - n < l.strip.images ? work->last - n : l.strip.images;
      const int rows = pass->h - row < l.strip.rows ? pass->h - row : l.strip.rows;
      const long own = (long)rows * pass->w, block = images * own * BLOCK;
      l.planes.top = floor_of(row + pass->pad_top - (k - 1), s);
      l.planes.height = (row + rows - 1 + pass->pad_top) / s - l.planes.top + 1;
      fill_planes(work, pass, &l.planes, n, n + images, planes);
      int pixel_counts[4], classes = s * s;
      for (int c = 0, p = 0; c < classes; c++)
        p += pixel_counts[c] = pixels_of_class(&l.planes, pass, c / s, c % s, images, row, rows, pixels + p, targets + p);
      for (int panel = 0; panel < panels_of(pass->cin); panel++) {
        const float *weights = at(work, pass->weights_back) + panel * rows_of(k, pass->cout) * PANEL;
        const int vectors = vectors_of(pass->cin, panel);
        const struct range reach = reach_of(groups_of(pass), pass->cin, pass->cout, panel * PANEL, PANEL);
        const struct tile_output output = {dense, block, 0};
        for (int c = 0, p = 0; c < classes; p += pixel_counts[c], c++) {
          const int run_count = runs_of_class(&l.planes, pass, c / s, c % s, reach, runs);
          conv_tiles(vectors, planes, pixels + p, targets + p, pixel_counts[c], runs, run_count, weights, 0, &output);
        }
        for (int b = 0; b < vectors / BV; b++)
          for (int i = 0; i < images; i++) {
            const int own_block = panel * PANEL / BLOCK + b;
            if (has_slope) {
              const struct reading reading = input_of(work, pass, n + i, own_block);
              read_rows(&reading, (long)row * pass->w, own, slope + own * BLOCK, slope);
            }
            sink_rows(&sink, n + i, own_block, (long)row * pass->w, own, dense + b * block + i * own * BLOCK,
                      has_slope ? slope : 0);
          }
      }
    }
}

/* Both gradients of a few images at once: the second finds in the cache what the first has read. */
static void conv_backward(const struct nas_pass *pass, const struct work *work) {
  int step = work->last - work->first;
  if (pass->dweights && pass->gx)
    step = even_part(
        step, pass->winograd ? winograd_layout_of(pass, MAP, 0).images : conv_layout_of_input(pass, 1).strip.images);
  struct work own = *work;
  do { /* once without images, too: partial sums begin at 0 */
    own.last = least_of(own.first + step, work->last);
    if (pass->dweights) (pass->winograd ? winograd_weights_gradient : conv_weights_gradient)(pass, &own);
    if (pass->gx) (pass->winograd ? winograd_input_gradient : conv_input_gradient)(pass, &own);
    own.first = own.last, own.begins = 0;
  } while (own.first < work->last);
}

static int64_t conv_backward_scratch(const struct nas_pass *pass) {
  int64_t weights = 0, input = 0;
  if (pass->dweights) weights = pass->winograd ? winograd_layout_of(pass, MAP, 0).floats : conv_layout_of_input(pass, 1).floats;
  if (pass->gx) input = pass->winograd ? winograd_layout_of(pass, GRADIENT, 1).floats : conv_layout_of_gradient(pass).floats;
  return weights > input ? weights : input;
}

#endif
