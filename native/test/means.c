/* Means and maxima of windows, and their gradients, against plain loops. */
#include "../means.h"
#include "windows.h"

static const struct operation operations[NAS_OP_COUNT] = {
    [OP_MEAN_FORWARD] = {mean_forward, windows_scratch},
    [OP_MEAN_BACKWARD] = {mean_backward, windows_scratch},
    [OP_DOUBLE_FORWARD] = {double_forward, windows_scratch},
    [OP_DOUBLE_BACKWARD] = {double_backward, windows_scratch},
    [OP_MAX_FORWARD] = {max_forward, windows_scratch},
    [OP_MAX_BACKWARD] = {max_backward, windows_scratch},
};

/* The pixel of value `tap` of window o, or -1 outside of the map. */
static int64_t pixel_of(const struct nas_pass *pass, int o, int tap) {
  const int y = o / pass->ow * pass->stride + tap / pass->kernel - pass->pad_top;
  const int x = o % pass->ow * pass->stride + tap % pass->kernel - pass->pad_left;
  return y < 0 || y >= pass->h || x < 0 || x >= pass->w ? -1 : (int64_t)y * pass->w + x;
}

static void test_double(void) {
  const int images = uniform(1, 5), chunks = uniform(1, 3);
  struct nas_pass pass = {.op = OP_DOUBLE_FORWARD, .oh = uniform(1, 14), .ow = uniform(1, 14)};
  pass.h = (pass.oh + 1) / 2, pass.w = (pass.ow + 1) / 2, pass.cin = pass.cout = uniform(1, 50);
  describe("double, %d images, %d chunks, %d channels, %dx%d to %dx%d", images, chunks, pass.cin, pass.h, pass.w, pass.oh, pass.ow);
  draw_input(&pass, images, 1);
  struct nas_pass passes[2] = {pass, pass};
  passes[0].y = output_map(images, pass.cin, pass.oh * pass.ow);
  if (chance(70)) passes[0].y_sums = output_sums(chunks, pass.cin);
  passes[1].op = OP_DOUBLE_BACKWARD;
  draw_gradient(&passes[1], images);
  draw_sink(&passes[1], images, chunks);
  run_passes(passes, 2, images, chunks);
  const int64_t in_pixels = (int64_t)pass.h * pass.w, out_pixels = (int64_t)pass.oh * pass.ow, channels = pass.cin;
  double *y = doubles(images * channels * out_pixels), *dx = doubles(images * channels * in_pixels);
  for (int n = 0; n < images; n++)
    for (int c = 0; c < channels; c++)
      for (int o = 0; o < out_pixels; o++) {
        const int64_t p = (int64_t)(o / pass.ow / 2) * pass.w + o % pass.ow / 2;
        y[(n * channels + c) * out_pixels + o] = read_input(&pass, n, c, p, 0);
        dx[(n * channels + c) * in_pixels + p] += read_gradient(&passes[1], n, c, o);
      }
  expect_map("y", y, passes[0].y, images, pass.cin, out_pixels, 1e-6);
  if (passes[0].y_sums)
    expect_sums("y_sums", passes[0].y_sums, passes[0].y, passes[0].y, images, chunks, pass.cin, out_pixels, 1e-5);
  expect_sink(&passes[1], dx, 1, images, chunks, 2e-6);
  free(y), free(dx);
}

static void test_case(void) {
  if (chance(30)) {
    test_double();
    return;
  }
  const int images = uniform(1, 5), chunks = uniform(1, 3), maxima = chance(50);
  struct nas_pass pass = {.op = maxima ? OP_MAX_FORWARD : OP_MEAN_FORWARD};
  draw_window(&pass);
  if (chance(30)) /* 2x2, with partial windows at odd sides */
    pass.kernel = pass.stride = 2, pass.pad_top = pass.pad_left = 0, pass.oh = (pass.h + 1) / 2, pass.ow = (pass.w + 1) / 2;
  pass.cin = pass.cout = uniform(1, pass.h * pass.w > 2000 ? 20 : 50);
  if (!maxima && chance(10)) pass.kernel = pass.stride = 0, pass.oh = pass.h, pass.ow = pass.w; /* zeros */
  describe("%s, %d images, %d chunks, %d channels, %dx%d to %dx%d, kernel %d, stride %d, padding %d %d",
           maxima ? "maxima" : "means", images, chunks, pass.cin, pass.h, pass.w, pass.oh, pass.ow, pass.kernel, pass.stride,
           pass.pad_top, pass.pad_left);
  draw_input(&pass, images, 1);
  struct nas_pass passes[2] = {pass, pass};
  passes[0].y = output_map(images, pass.cin, pass.oh * pass.ow);
  if (chance(70)) passes[0].y_sums = output_sums(chunks, pass.cin);
  passes[1].op = maxima ? OP_MAX_BACKWARD : OP_MEAN_BACKWARD;
  /* Values of the other activations are rounded: another of nearly equal ones may be the largest. */
  if (maxima) passes[1].x_act = ONE_OF(ACT_NONE, ACT_RELU, ACT_RELU6);
  draw_gradient(&passes[1], images);
  draw_sink(&passes[1], images, chunks);
  run_passes(passes, 2, images, chunks);

  const int64_t in_pixels = (int64_t)pass.h * pass.w, out_pixels = (int64_t)pass.oh * pass.ow, channels = pass.cin;
  double *y = doubles(images * channels * out_pixels), *dx = doubles(images * channels * in_pixels);
  for (int n = 0; n < images; n++)
    for (int c = 0; c < channels; c++)
      for (int o = 0; o < out_pixels; o++) {
        double sum = 0, most = -INFINITY, largest = -INFINITY, *own = dx + (n * channels + c) * in_pixels;
        int64_t first = 0;
        int count = 0;
        for (int t = 0; t < pass.kernel * pass.kernel; t++) {
          const int64_t p = pixel_of(&pass, o, t);
          if (p < 0) continue;
          const double value = read_input(&pass, n, c, p, 0), back = read_input(&passes[1], n, c, p, 0);
          sum += value, count++, most = fmax(most, value);
          if (back > largest) largest = back, first = p;
        }
        y[(n * channels + c) * out_pixels + o] = count == 0 ? 0 : maxima ? most : sum / count;
        const double g = read_gradient(&passes[1], n, c, o);
        if (maxima) own[first] += g;
        for (int t = 0; !maxima && t < pass.kernel * pass.kernel; t++) {
          const int64_t p = pixel_of(&pass, o, t);
          if (p >= 0) own[p] += g / count;
        }
      }
  expect_map("y", y, passes[0].y, images, pass.cin, out_pixels, 1e-6);
  if (passes[0].y_sums)
    expect_sums("y_sums", passes[0].y_sums, passes[0].y, passes[0].y, images, chunks, pass.cin, out_pixels, 1e-5);
  expect_sink(&passes[1], dx, 1, images, chunks, 2e-6);
  free(y), free(dx);
}
