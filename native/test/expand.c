/* Expansion and depthwise convolution in one pass, and their gradients. Expanded values are exact: none crosses a kink. */
static long floats_of_strips;
#define EXPAND_FLOATS floats_of_strips
#include "../expand-backward.h"
#include "windows.h"

static const struct operation operations[NAS_OP_COUNT] = {
    [OP_EXPAND_FORWARD] = {expand_forward, expand_scratch},
    [OP_EXPAND_BACKWARD] = {expand_backward, expand_scratch},
    [OP_PACK_DEPTHWISE] = {pack_depthwise, 0},
    [OP_UNPACK_DEPTHWISE] = {unpack_depthwise, 0},
    [OP_PACK] = {pack, pack_scratch},
    [OP_UNPACK] = {unpack, 0},
};

enum { PACK_EXPANSION, PACK_TAPS, FORWARD, BACKWARD, UNPACK_EXPANSION, UNPACK_TAPS, PASSES };

static void test_case(void) {
  const int images = uniform(1, 9), chunks = uniform(1, 3);
  struct nas_pass pass = {.op = OP_EXPAND_FORWARD};
  floats_of_strips = ONE_OF(1 << 18, 1 << 14, 1 << 13, 1 << 12, 1);
  draw_window(&pass);
  const int is_large = pass.h * pass.w > 2000;
  const int cin = pass.cin = uniform(1, is_large ? 20 : 50);
  const int expanded = pass.expanded = pass.cout = uniform(1, is_large ? 40 : 100);
  pass.source_in = expanded + ONE_OF(0, uniform(1, 20));
  pass.source_kernel = ONE_OF(0, pass.kernel + 2);
  pass.e_source_in = cin + ONE_OF(0, uniform(1, 5)), pass.e_source_out = expanded + ONE_OF(0, uniform(1, 5));
  pass.e_act = uniform(0, NAS_ACTS - 1);
  const int k = pass.kernel, s = pass.stride, side = pass.source_kernel ? pass.source_kernel : k;
  const int padded = blocks_of(expanded) * BLOCK;
  const int64_t taps = (int64_t)blocks_of(expanded) * k * k * BLOCK, packed = packed_floats(1, cin, expanded);
  const int64_t in_pixels = (int64_t)pass.h * pass.w, out_pixels = (int64_t)pass.oh * pass.ow;
  describe("%d images, %d chunks, %d to %d channels, act %d, %dx%d to %dx%d, kernel %d, stride %d, padding %d %d, strips %ld",
           images, chunks, cin, expanded, pass.e_act, pass.h, pass.w, pass.oh, pass.ow, k, s, pass.pad_top, pass.pad_left,
           floats_of_strips);
  const int64_t source_floats = (int64_t)side * side * pass.source_in, e_floats = (int64_t)pass.e_source_in * pass.e_source_out;
  pass.source = input(source_floats, 1);
  pass.weights = output(taps);
  pass.weights_back = output(taps);
  pass.e_source = input(e_floats, 1);
  pass.e_weights = output(packed);
  pass.e_weights_back = output(packed_floats(1, expanded, cin));
  pass.e_norm = input_rows(2, expanded, 2);
  pass.x = input_map(images, cin, in_pixels, 2);
  struct nas_pass passes[PASSES];
  for (int i = 0; i < PASSES; i++) passes[i] = pass;
  passes[PACK_TAPS].op = OP_PACK_DEPTHWISE;
  passes[PACK_TAPS].cin = expanded;
  passes[PACK_EXPANSION] = (struct nas_pass){.op = OP_PACK, .kernel = 1, .cin = cin, .cout = expanded, .source = pass.e_source,
                                             .source_in = pass.e_source_in, .source_out = pass.e_source_out,
                                             .weights = pass.e_weights, .weights_back = pass.e_weights_back};
  struct nas_pass *forward = &passes[FORWARD], *backward = &passes[BACKWARD];
  forward->y = output_map(images, expanded, out_pixels);
  if (chance(80)) forward->y_sums = output_sums(chunks, expanded);
  backward->op = OP_EXPAND_BACKWARD;
  draw_gradient(backward, images);
  backward->gx_first = chance(50);
  if (chance(85))
    backward->gx = backward->gx_first ? output_map(images, cin, in_pixels) : written(input_map(images, cin, in_pixels, 2));
  const int trains_taps = chance(85), trains_expansion = chance(85);
  if (trains_taps) backward->dweights = output_partial(chunks, taps);
  if (trains_expansion) backward->e_dweights = output_partial(chunks, packed);
  if (trains_expansion) backward->e_sums = output_partial(chunks, padded);
  passes[UNPACK_TAPS].op = trains_taps ? OP_UNPACK_DEPTHWISE : OP_PACK_DEPTHWISE;
  passes[UNPACK_TAPS].cin = expanded;
  passes[UNPACK_TAPS].dweights = backward->dweights;
  if (trains_taps) passes[UNPACK_TAPS].dsource = output(source_floats);
  passes[UNPACK_EXPANSION] = passes[PACK_EXPANSION];
  passes[UNPACK_EXPANSION].op = trains_expansion ? OP_UNPACK : OP_PACK;
  passes[UNPACK_EXPANSION].dweights = backward->e_dweights;
  if (trains_expansion) passes[UNPACK_EXPANSION].dsource = output(e_floats);
  run_passes(passes, PASSES, images, chunks);

  double *y = doubles((int64_t)images * expanded * out_pixels), *dx = doubles((int64_t)images * cin * in_pixels);
  double *dw = doubles(source_floats), *dwe = doubles(e_floats), *sums = doubles(padded);
  double *e = doubles(in_pixels), *slope = doubles(in_pixels), *de = doubles(in_pixels);
  const float *we = values(pass.e_source), *shift = values(pass.e_norm) + padded;
  for (int n = 0; n < images; n++)
    for (int c = 0; c < expanded; c++) {
      for (int64_t p = 0; p < in_pixels; p++) {
        double u = shift[c];
        for (int i = 0; i < cin; i++) u += map_at(pass.x, cin, in_pixels, n, i, p) * we[i * pass.e_source_out + c];
        e[p] = reference_act(u, pass.e_act), slope[p] = reference_slope(u, pass.e_act), de[p] = 0;
      }
      for (int oy = 0; oy < pass.oh; oy++)
        for (int ox = 0; ox < pass.ow; ox++) {
          const double dy = read_gradient(backward, n, c, (int64_t)oy * pass.ow + ox);
          double sum = 0;
          for (int ky = 0; ky < k; ky++)
            for (int kx = 0; kx < k; kx++) {
              const int iy = oy * s + ky - pass.pad_top, ix = ox * s + kx - pass.pad_left;
              if (iy < 0 || iy >= pass.h || ix < 0 || ix >= pass.w) continue;
              const int64_t p = (int64_t)iy * pass.w + ix;
              const double tap = tap_of(&pass, ky, kx, c);
              sum += e[p] * tap;
              de[p] += dy * tap;
              dw[((int64_t)(ky + (side - k) / 2) * side + kx + (side - k) / 2) * pass.source_in + c] += dy * e[p];
            }
          y[((int64_t)n * expanded + c) * out_pixels + (int64_t)oy * pass.ow + ox] = sum;
        }
      for (int64_t p = 0; p < in_pixels; p++) {
        const double d = de[p] * slope[p];
        sums[c] += d;
        for (int i = 0; i < cin; i++) {
          dwe[i * pass.e_source_out + c] += d * map_at(pass.x, cin, in_pixels, n, i, p);
          dx[((int64_t)n * cin + i) * in_pixels + p] += d * we[i * pass.e_source_out + c];
        }
      }
    }
  expect_map("y", y, forward->y, images, expanded, out_pixels, 1e-5);
  if (forward->y_sums)
    expect_sums("y_sums", forward->y_sums, forward->y, forward->y, images, chunks, expanded, out_pixels, 1e-5);
  if (backward->gx) expect_sink(backward, dx, 0, images, chunks, 1e-5);
  if (trains_taps) expect_values("dsource", dw, values(passes[UNPACK_TAPS].dsource), source_floats, 1e-5);
  if (trains_expansion) expect_values("e_dsource", dwe, values(passes[UNPACK_EXPANSION].dsource), e_floats, 1e-5);
  if (trains_expansion) expect_partial("e_sums", sums, backward->e_sums, chunks, padded, 1e-5);
  free(y), free(dx), free(dw), free(dwe), free(sums), free(e), free(slope), free(de);
}
