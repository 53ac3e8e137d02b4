/* Sums with moments, global pools, and gradients through no convolution, against plain loops. */
#include "../points.h"
#include "harness.h"

static const struct operation operations[NAS_OP_COUNT] = {
    [OP_SUM] = {sum_forward, 0},
    [OP_PASS_BACKWARD] = {pass_backward, 0},
    [OP_MAP_FORWARD] = {map_forward, 0},
    [OP_MAP_BACKWARD] = {map_backward, 0},
    [OP_POOL_FORWARD] = {pool_forward, 0},
    [OP_POOL_BACKWARD] = {pool_backward, 0},
};

static int images, chunks;

static void test_moments(const struct nas_pass *pass, int64_t pixels) {
  const int padded = blocks_of(pass->cin) * BLOCK;
  double *expected = doubles((1 + padded) * padded);
  for (int n = 0; n < images; n++)
    for (int c = 0; c < pass->cin; c++)
      for (int64_t p = 0; p < pixels; p++) {
        const double y = map_at(pass->y, pass->cin, pixels, n, c, p);
        expected[c] += y;
        for (int d = 0; d < pass->cin; d++) expected[(1 + c) * padded + d] += y * map_at(pass->y, pass->cin, pixels, n, d, p);
      }
  expect_partial("moments", expected, pass->moments, chunks, (1 + padded) * padded, 5e-6);
  free(expected);
}

static void test_sum(struct nas_pass pass) {
  const int64_t pixels = (int64_t)pass.h * pass.w;
  const int padded = blocks_of(pass.cin) * BLOCK, in_place = chance(20);
  pass.op = OP_SUM;
  draw_input(&pass, images, 1);
  if (chance(80)) {
    pass.x2 = input_map(images, pass.cin, pixels, 4);
    if (chance(70)) pass.x2_norm = input_rows(2, pass.cin, 2);
    pass.x2_act = uniform(0, NAS_ACTS - 1);
  }
  pass.y = in_place ? written(pass.x) : output_map(images, pass.cin, pixels);
  if (chance(50)) pass.y_sums = output_sums(chunks, pass.cin);
  if (chance(50)) pass.moments = output_partial(chunks, (1 + padded) * padded);
  double *expected = doubles(images * pass.cin * pixels), *e = expected;
  for (int n = 0; n < images; n++)
    for (int c = 0; c < pass.cin; c++)
      for (int64_t p = 0; p < pixels; p++, e++) {
        *e = read_input(&pass, n, c, p, 0);
        if (pass.x2) *e += read_value(pass.x2, pass.x2_norm, pass.x2_act, 0, pass.cin, pixels, n, c, p, 0);
      }
  run_passes(&pass, 1, images, chunks);
  expect_map("y", expected, pass.y, images, pass.cin, pixels, 1e-6);
  if (pass.y_sums) expect_sums("y_sums", pass.y_sums, pass.y, pass.y, images, chunks, pass.cin, pixels, 1e-5);
  if (pass.moments) test_moments(&pass, pixels);
  free(expected);
}

static void test_pass_backward(struct nas_pass pass) {
  const int64_t pixels = (int64_t)pass.h * pass.w;
  pass.op = OP_PASS_BACKWARD;
  draw_input(&pass, images, 1);
  draw_gradient(&pass, images);
  draw_sink(&pass, images, chunks);
  double *d = doubles(images * pass.cin * pixels), *e = d;
  for (int n = 0; n < images; n++)
    for (int c = 0; c < pass.cin; c++)
      for (int64_t p = 0; p < pixels; p++) *e++ = read_gradient(&pass, n, c, p);
  run_passes(&pass, 1, images, chunks);
  expect_sink(&pass, d, 1, images, chunks, 1e-6);
  free(d);
}

static void test_pool(struct nas_pass pass) {
  const int64_t pixels = (int64_t)pass.h * pass.w;
  struct nas_pass back = pass;
  pass.op = OP_POOL_FORWARD;
  draw_input(&pass, images, 1);
  back = pass;
  back.op = OP_POOL_BACKWARD;
  pass.y = output(images * pass.cin);
  back.g = input(images * pass.cin, 4);
  draw_sink(&back, images, chunks);
  double *y = doubles(images * pass.cin), *d = doubles(images * pass.cin * pixels);
  for (int i = 0; i < images * pass.cin; i++)
    for (int64_t p = 0; p < pixels; p++) {
      y[i] += read_input(&pass, i / pass.cin, i % pass.cin, p, 0) / (double)pixels;
      d[i * pixels + p] = values(back.g)[i] / (double)pixels;
    }
  const struct nas_pass passes[] = {pass, back};
  run_passes(passes, 2, images, chunks);
  expect_values("pooled", y, values(pass.y), images * pass.cin, 1e-6);
  expect_sink(&back, d, 1, images, chunks, 1e-6);
  free(y);
  free(d);
}

static void test_map(struct nas_pass pass) {
  const int64_t pixels = (int64_t)pass.h * pass.w, all = images * pixels * pass.cin;
  pass.op = OP_MAP_FORWARD;
  draw_input(&pass, images, 1);
  struct nas_pass back = pass;
  back.op = OP_MAP_BACKWARD;
  pass.y = output(all);
  back.g = input(all, 4);
  draw_sink(&back, images, chunks);
  double *y = doubles(all), *d = doubles(all);
  for (int64_t i = 0; i < all; i++) {
    const int c = (int)(i % pass.cin), n = (int)(i / pass.cin / pixels);
    const int64_t p = i / pass.cin % pixels;
    y[i] = read_input(&pass, n, c, p, 0);
    d[((int64_t)n * pass.cin + c) * pixels + p] = values(back.g)[i];
  }
  const struct nas_pass passes[] = {pass, back};
  run_passes(passes, 2, images, chunks);
  expect_values("map", y, values(pass.y), all, 1e-6);
  expect_sink(&back, d, 1, images, chunks, 1e-6);
  free(y);
  free(d);
}

static void test_case(void) {
  images = uniform(1, 5), chunks = uniform(1, 4);
  struct nas_pass pass = {.cin = chance(70) ? uniform(1, 40) : uniform(1, 100), .h = ONE_OF(1, 2, 3, 4, 5, 7, 8, 14)};
  pass.w = uniform(1, 14);
  pass.cout = pass.cin, pass.oh = pass.h, pass.ow = pass.w;
  const int are_many = chance(2); /* pixels, for sums */
  if (are_many) images = 4, chunks = 1, pass.cin = pass.cout = uniform(1, 6), pass.h = pass.w = pass.oh = pass.ow = 100;
  describe("%d images, %d chunks, %d channels, %d x %d", images, chunks, pass.cin, pass.h, pass.w);
  test_sum(pass);
  if (are_many) return;
  test_pass_backward(pass);
  test_pool(pass);
  test_map(pass);
}
