/* Means of windows, and their gradients, against plain loops. */
#include "../means.h"
#include "windows.h"

static const struct operation operations[NAS_OP_COUNT] = {
    [OP_MEAN_FORWARD] = {mean_forward, mean_scratch},
    [OP_MEAN_BACKWARD] = {mean_backward, mean_scratch},
};

static void test_case(void) {
  const int images = uniform(1, 5), chunks = uniform(1, 3);
  struct nas_pass pass = {.op = OP_MEAN_FORWARD};
  draw_window(&pass);
  pass.cin = pass.cout = uniform(1, pass.h * pass.w > 2000 ? 20 : 50);
  if (chance(10)) pass.kernel = pass.stride = 0, pass.oh = pass.h, pass.ow = pass.w; /* zeros */
  describe("%d images, %d chunks, %d channels, %dx%d to %dx%d, kernel %d, stride %d, padding %d %d", images, chunks, pass.cin,
           pass.h, pass.w, pass.oh, pass.ow, pass.kernel, pass.stride, pass.pad_top, pass.pad_left);
  draw_input(&pass, images, 1);
  struct nas_pass passes[2] = {pass, pass};
  passes[0].y = output_map(images, pass.cin, pass.oh * pass.ow);
  if (chance(70)) passes[0].y_sums = output_sums(chunks, pass.cin);
  passes[1].op = OP_MEAN_BACKWARD;
  draw_gradient(&passes[1], images);
  draw_sink(&passes[1], images, chunks);
  run_passes(passes, 2, images, chunks);

  const int64_t in_pixels = (int64_t)pass.h * pass.w, out_pixels = (int64_t)pass.oh * pass.ow, channels = pass.cin;
  double *y = doubles(images * channels * out_pixels), *dx = doubles(images * channels * in_pixels);
  for (int n = 0; n < images; n++)
    for (int c = 0; c < channels; c++)
      for (int o = 0; o < out_pixels; o++) {
        double sum = 0;
        int count = 0;
        for (int times = 0; times < 2; times++) /* first the values, then their shares of the gradient */
          for (int t = 0; t < pass.kernel * pass.kernel; t++) {
            const int iy = o / pass.ow * pass.stride + t / pass.kernel - pass.pad_top;
            const int ix = o % pass.ow * pass.stride + t % pass.kernel - pass.pad_left;
            if (iy < 0 || iy >= pass.h || ix < 0 || ix >= pass.w) continue;
            const int64_t p = (int64_t)iy * pass.w + ix;
            if (times == 0) sum += read_input(&pass, n, c, p, 0), count++;
            else dx[(n * channels + c) * in_pixels + p] += read_gradient(&passes[1], n, c, o) / count;
          }
        y[(n * channels + c) * out_pixels + o] = count ? sum / count : 0;
      }
  expect_map("y", y, passes[0].y, images, pass.cin, out_pixels, 1e-6);
  if (passes[0].y_sums)
    expect_sums("y_sums", passes[0].y_sums, passes[0].y, passes[0].y, images, chunks, pass.cin, out_pixels, 1e-5);
  expect_sink(&passes[1], dx, 1, images, chunks, 2e-6);
  free(y), free(dx);
}
