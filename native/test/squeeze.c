/* Squeeze-excite and its gradients against plain loops. */
#include "../squeeze.h"
#include "harness.h"

static const struct operation operations[NAS_OP_COUNT] = {
    [OP_SQUEEZE_FORWARD] = {squeeze_forward, squeeze_forward_scratch},
    [OP_SQUEEZE_BACKWARD] = {squeeze_backward, squeeze_backward_scratch},
    [OP_SQUEEZE_UNPACK] = {squeeze_unpack, 0},
};

/* Values of some images: [images][width]. */
static double *table(int images, int width) { return doubles((int64_t)images * width); }

static void expect_rows(const char *name, const double *expected, int32_t got, int images, int width, double bound) {
  const int padded = blocks_of(width) * BLOCK;
  double *rows = table(images, padded);
  for (int i = 0; i < images * width; i++) rows[i / width * padded + i % width] = expected[i];
  expect_values(name, rows, values(got), images * padded, bound);
  free(rows);
}

/* A kernel's gradient [stored_rows][stored_width]: the sum over images of a b. */
static void expect_kernel(const char *name, int32_t got, const double *a, int rows, int stored_rows, const double *b, int width,
                          int stored_width, int images) {
  double *expected = table(stored_rows, stored_width);
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < width; c++)
      for (int n = 0; n < images; n++) expected[r * stored_width + c] += a[n * rows + r] * b[n * width + c];
  expect_values(name, expected, values(got), stored_rows * stored_width, 2e-5);
  free(expected);
}

static void test_case(void) {
  const int images = chance(20) ? uniform(60, 140) : uniform(1, 12), chunks = uniform(1, 4);
  struct nas_pass pass = {.op = OP_SQUEEZE_FORWARD, .cin = uniform(1, 100), .h = uniform(1, 9), .w = uniform(1, 9)};
  if (images > 12) pass.h = pass.w = uniform(1, 2);
  const int channels = pass.cin, squeezed = uniform(1, 40), padded = blocks_of(channels) * BLOCK, hidden = blocks_of(squeezed) * BLOCK;
  const int64_t pixels = (int64_t)pass.h * pass.w;
  int stored_channels = channels, stored_hidden = squeezed;
  pass.squeezed = squeezed, pass.cout = pass.cin, pass.oh = pass.h, pass.ow = pass.w;
  pass.squeeze_act = uniform(0, NAS_ACTS - 1), pass.gate_act = ONE_OF(ACT_SIGMOID, ACT_HARD_SIGMOID);
  if (chance(30)) pass.source_in = stored_channels += uniform(0, 20), pass.source_out = stored_hidden += uniform(0, 20);
  draw_input(&pass, images, 0);
  const int32_t gate = output(images * padded);
  pass.x_gate = gate, pass.pooled = output(images * padded), pass.hidden = output(images * hidden);
  pass.reduce = input(stored_channels * stored_hidden, 1), pass.reduce_bias = input(stored_hidden, 1);
  pass.expand = input(stored_channels * stored_hidden, 1), pass.expand_bias = input(stored_channels, 1);
  describe("%d images, %d chunks, %d of %d channels, %d of %d hidden, %d x %d, acts %d %d %d", images, chunks, channels, stored_channels,
           squeezed, stored_hidden, pass.h, pass.w, pass.x_act, pass.squeeze_act, pass.gate_act);
  struct nas_pass back = pass, unpack = pass;
  back.op = OP_SQUEEZE_BACKWARD, unpack.op = OP_SQUEEZE_UNPACK;
  back.group = pass.group = chance(50);
  back.g = input_map(images, channels, pixels, 2);
  back.dgate = unpack.dgate = output(images * padded), back.dhidden = unpack.dhidden = output(images * hidden);
  if (chance(90)) unpack.dreduce = output(stored_channels * stored_hidden);
  if (chance(90)) unpack.dreduce_bias = output(stored_hidden);
  if (chance(90)) unpack.dexpand = output(stored_channels * stored_hidden);
  if (chance(90)) unpack.dexpand_bias = output(stored_channels);
  const int trains_input = chance(85);
  if (trains_input) draw_sink(&back, images, chunks);
  const struct nas_pass passes[] = {pass, back, unpack};
  run_passes(passes, 3, images, chunks);

  double *pooled = table(images, channels), *z = table(images, squeezed), *a = table(images, squeezed), *slopes = table(images, squeezed);
  double *g = table(images, channels), *dg = table(images, channels), *dz = table(images, squeezed);
  double *d = doubles(images * channels * pixels), *ones = table(images, 1);
  for (int n = 0; n < images; n++) {
    ones[n] = 1;
    for (int c = 0; c < channels; c++)
      for (int64_t p = 0; p < pixels; p++)
        pooled[n * channels + c] += read_value(pass.x, pass.x_norm, pass.x_act, 0, channels, pixels, n, c, p, 0) / (double)pixels;
    for (int s = 0; s < squeezed; s++) {
      double *own = &z[n * squeezed + s];
      *own = values(pass.reduce_bias)[s];
      for (int c = 0; c < channels; c++) *own += pooled[n * channels + c] * values(pass.reduce)[c * stored_hidden + s];
      /* From the library's value: no other side of a kink. */
      const double got = values(pass.hidden)[n * hidden + s];
      a[n * squeezed + s] = reference_act(got, pass.squeeze_act), slopes[n * squeezed + s] = reference_slope(got, pass.squeeze_act);
    }
    for (int c = 0; c < channels; c++) {
      double u = values(pass.expand_bias)[c], *own = &dg[n * channels + c];
      for (int s = 0; s < squeezed; s++) u += a[n * squeezed + s] * values(pass.expand)[s * stored_channels + c];
      g[n * channels + c] = reference_act(u, pass.gate_act);
      for (int64_t p = 0; p < pixels; p++)
        *own += map_at(back.g, channels, pixels, n, c, p) * read_value(pass.x, pass.x_norm, pass.x_act, 0, channels, pixels, n, c, p, 0);
      const double value = values(gate)[n * padded + c]; /* from the library's value: no other side of a kink */
      *own *= pass.gate_act == ACT_SIGMOID ? value * (1 - value) : value > 0 && value < 1 ? 1. / 6 : 0;
    }
    for (int s = 0; s < squeezed; s++)
      for (int c = 0; c < channels; c++)
        dz[n * squeezed + s] += dg[n * channels + c] * values(pass.expand)[s * stored_channels + c] * slopes[n * squeezed + s];
    for (int c = 0; c < channels; c++) {
      double share = 0;
      for (int s = 0; s < squeezed; s++) share += dz[n * squeezed + s] * values(pass.reduce)[c * stored_hidden + s];
      for (int64_t p = 0; p < pixels; p++) {
        double slope;
        read_value(pass.x, pass.x_norm, pass.x_act, 0, channels, pixels, n, c, p, &slope);
        d[(n * channels + c) * pixels + p] =
            (map_at(back.g, channels, pixels, n, c, p) * g[n * channels + c] + share / (double)pixels) * slope;
      }
    }
  }
  expect_rows("pooled", pooled, pass.pooled, images, channels, 1e-6);
  expect_rows("hidden", z, pass.hidden, images, squeezed, 1e-5);
  expect_rows("gate", g, gate, images, channels, 1e-4);
  expect_rows("dgate", dg, back.dgate, images, channels, 1e-5);
  expect_rows("dhidden", dz, back.dhidden, images, squeezed, 1e-5);
  if (trains_input) expect_sink(&back, d, 0, images, chunks, 1e-4);
  if (unpack.dreduce) expect_kernel("dreduce", unpack.dreduce, pooled, channels, stored_channels, dz, squeezed, stored_hidden, images);
  if (unpack.dexpand) expect_kernel("dexpand", unpack.dexpand, a, squeezed, stored_hidden, dg, channels, stored_channels, images);
  if (unpack.dreduce_bias) expect_kernel("dreduce_bias", unpack.dreduce_bias, ones, 1, 1, dz, squeezed, stored_hidden, images);
  if (unpack.dexpand_bias) expect_kernel("dexpand_bias", unpack.dexpand_bias, ones, 1, 1, dg, channels, stored_channels, images);
  free(pooled), free(z), free(a), free(slopes), free(g), free(dg), free(dz), free(d), free(ones);
}
