/* Depthwise convolutions, their gradients and packing. */
static long floats_of_strips;
#define STRIP_FLOATS floats_of_strips
#include "../depthwise.h"
#include "windows.h"

static const struct operation operations[NAS_OP_COUNT] = {
    [OP_DEPTHWISE_FORWARD] = {depthwise_forward, depthwise_scratch},
    [OP_DEPTHWISE_BACKWARD] = {depthwise_backward, depthwise_scratch},
    [OP_PACK_DEPTHWISE] = {pack_depthwise, 0},
    [OP_UNPACK_DEPTHWISE] = {unpack_depthwise, 0},
};

static void test_case(void) {
  const int images = uniform(1, 5), chunks = uniform(1, 3);
  struct nas_pass pass = {.op = OP_PACK_DEPTHWISE};
  floats_of_strips = ONE_OF(1 << 16, 1 << 13, 1 << 12, 1);
  draw_window(&pass);
  pass.cin = pass.cout = uniform(1, pass.h * pass.w > 2000 ? 20 : 50);
  pass.source_in = pass.cin + ONE_OF(0, uniform(1, 20));
  pass.source_kernel = ONE_OF(0, pass.kernel, pass.kernel + 2);
  const int k = pass.kernel, s = pass.stride, side = pass.source_kernel ? pass.source_kernel : k, cin = pass.cin;
  const int64_t taps = (int64_t)blocks_of(cin) * k * k * BLOCK;
  const int64_t in_pixels = (int64_t)pass.h * pass.w, out_pixels = (int64_t)pass.oh * pass.ow;
  describe("%d images, %d chunks, %d channels of %d, %dx%d to %dx%d, kernel %d of %d, stride %d, padding %d %d, strips %ld",
           images, chunks, cin, pass.source_in, pass.h, pass.w, pass.oh, pass.ow, k, side, s, pass.pad_top, pass.pad_left,
           floats_of_strips);
  const int64_t source_floats = (int64_t)side * side * pass.source_in;
  pass.source = input(source_floats, 1);
  pass.weights = output(taps);
  pass.weights_back = output(taps);
  struct nas_pass passes[4] = {pass, pass, pass, pass};
  struct nas_pass *forward = &passes[1], *backward = &passes[2];
  forward->op = OP_DEPTHWISE_FORWARD;
  draw_input(forward, images, 1);
  forward->y = output_map(images, cin, out_pixels);
  if (chance(80)) forward->y_sums = output_sums(chunks, cin);
  *backward = *forward;
  backward->op = OP_DEPTHWISE_BACKWARD;
  backward->y = 0;
  draw_gradient(backward, images);
  if (chance(85)) draw_sink(backward, images, chunks);
  if (chance(85)) backward->dweights = output_partial(chunks, taps);
  passes[3].op = OP_UNPACK_DEPTHWISE;
  passes[3].dweights = backward->dweights;
  if (backward->dweights) passes[3].dsource = output(source_floats);
  run_passes(passes, backward->dweights ? 4 : 3, images, chunks);

  double *y = doubles((int64_t)images * cin * out_pixels), *dx = doubles((int64_t)images * cin * in_pixels);
  double *dw = doubles(source_floats);
  for (int n = 0; n < images; n++)
    for (int c = 0; c < cin; c++)
      for (int oy = 0; oy < pass.oh; oy++)
        for (int ox = 0; ox < pass.ow; ox++) {
          const double dy = read_gradient(backward, n, c, (int64_t)oy * pass.ow + ox);
          double sum = 0;
          for (int ky = 0; ky < k; ky++)
            for (int kx = 0; kx < k; kx++) {
              const int iy = oy * s + ky - pass.pad_top, ix = ox * s + kx - pass.pad_left;
              if (iy < 0 || iy >= pass.h || ix < 0 || ix >= pass.w) continue;
              const int64_t p = (int64_t)iy * pass.w + ix;
              const double x = read_input(forward, n, c, p, 0), tap = tap_of(&pass, ky, kx, c);
              sum += x * tap;
              dx[((int64_t)n * cin + c) * in_pixels + p] += dy * tap;
              dw[((int64_t)(ky + (side - k) / 2) * side + kx + (side - k) / 2) * pass.source_in + c] += dy * x;
            }
          y[((int64_t)n * cin + c) * out_pixels + (int64_t)oy * pass.ow + ox] = sum;
        }
  expect_map("y", y, forward->y, images, cin, out_pixels, 1e-5);
  if (forward->y_sums) expect_sums("y_sums", forward->y_sums, forward->y, forward->y, images, chunks, cin, out_pixels, 1e-5);
  if (backward->gx) expect_sink(backward, dx, backward->x_gate == 0, images, chunks, 1e-5);
  if (backward->dweights) expect_values("dsource", dw, values(passes[3].dsource), source_floats, 1e-5);
  free(y), free(dx), free(dw);
}
