/* Convolutions against plain loops: images and maps, strides, paddings, strips of large planes, several images at once. */
#include "../convolutions.h"
#include "groups.h"

static const struct operation operations[NAS_OP_COUNT] = {
    [OP_PACK] = {pack, pack_scratch},
    [OP_UNPACK] = {unpack, 0},
    [OP_IMAGES_FORWARD] = {conv_forward, conv_forward_scratch},
    [OP_IMAGES_BACKWARD] = {conv_backward, conv_backward_scratch},
    [OP_CONV_FORWARD] = {conv_forward, conv_forward_scratch},
    [OP_CONV_BACKWARD] = {conv_backward, conv_backward_scratch},
};

/* The input as it is read, [images][h][w][cin]. */
static double *inputs_of(const struct nas_pass *pass, int images, int are_images) {
  double *all = doubles((int64_t)images * pass->h * pass->w * pass->cin), *x = all;
  for (int n = 0; n < images; n++)
    for (int p = 0; p < pass->h * pass->w; p++)
      for (int c = 0; c < pass->cin; c++, x++)
        *x = are_images ? values(pass->x)[x - all] : read_input(pass, n, c, p, 0);
  return all;
}

/* The gradient of the output, [images][oh][ow][cout]. */
static double *gradients_of(const struct nas_pass *pass, int images) {
  double *all = doubles((int64_t)images * pass->oh * pass->ow * pass->cout), *g = all;
  for (int n = 0; n < images; n++)
    for (int p = 0; p < pass->oh * pass->ow; p++)
      for (int c = 0; c < pass->cout; c++) *g++ = read_gradient(pass, n, c, p);
  return all;
}

/* Calls `code` for each product: input value i, kernel value v, output value o (of one channel of each). */
#define FOR_PRODUCTS(code)                                                                                                     \
  for (int n = 0; n < images; n++)                                                                                             \
    for (int oy = 0; oy < p->oh; oy++)                                                                                         \
      for (int ox = 0; ox < p->ow; ox++)                                                                                       \
        for (int ky = 0; ky < p->kernel; ky++)                                                                                 \
          for (int kx = 0; kx < p->kernel; kx++) {                                                                             \
            const int iy = oy * p->stride + ky - p->pad_top, ix = ox * p->stride + kx - p->pad_left;                           \
            if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;                                                        \
            const long i = ((long)(n * p->h + iy) * p->w + ix) * p->cin, o = ((long)(n * p->oh + oy) * p->ow + ox) * p->cout;  \
            const int64_t *place = places + (long)(ky * p->kernel + kx) * p->cin * p->cout;                                    \
            for (int a = 0; a < p->cin; a++)                                                                                   \
              for (int b = 0; b < p->cout; b++, place++) {                                                                     \
                const int64_t v = *place;                                                                                      \
                if (v >= 0) code;                                                                                              \
              }                                                                                                                \
          }

/* [images][pixels][channels] to [images][channels][pixels]. */
static double *by_channels(const double *from, int images, int channels, long pixels) {
  double *to = doubles(images * channels * pixels);
  for (int n = 0; n < images; n++)
    for (long q = 0; q < pixels; q++)
      for (int c = 0; c < channels; c++)
        to[((long)n * channels + c) * pixels + q] = from[((long)n * pixels + q) * channels + c];
  return to;
}

static void test_case(void) {
  const int are_images = chance(25), images = uniform(1, 7), chunks = uniform(1, 4), group = chance(20);
  struct nas_pass pass = {.group = group, .stride = uniform(1, 2), .kernel = ONE_OF(1, 2, 3, 3, 3, 5, 7)};
  if (pass.kernel == 1 && !are_images) pass.stride = 2;
  pass.cin = are_images ? uniform(1, 4) : chance(60) ? uniform(1, 40) : ONE_OF(16, 32, 48, 64, 100);
  pass.cout = chance(60) ? uniform(1, 40) : ONE_OF(16, 32, 48, 64, 100);
  pass.h = chance(80) ? uniform(1, 14) : 28, pass.w = chance(80) ? uniform(1, 14) : 28;
  if (chance(3)) /* strips */
    pass.cin = are_images ? 3 : 16, pass.cout = 5, pass.h = uniform(60, 90), pass.w = uniform(60, 110);
  const int same = chance(70), k = pass.kernel, s = pass.stride;
  pass.oh = (pass.h + s - 1) / s, pass.ow = (pass.w + s - 1) / s;
  const int more_y = (pass.oh - 1) * s + k - pass.h, more_x = (pass.ow - 1) * s + k - pass.w;
  pass.pad_top = same ? (more_y > 0 ? more_y / 2 : 0) : k / 2, pass.pad_left = same ? (more_x > 0 ? more_x / 2 : 0) : k / 2;
  const int64_t floats = draw_groups(&pass, are_images ? 0 : 30, k);
  if (!are_images && pass.groups == 0 && k == 3 && s == 1) pass.winograd = chance(60);
  describe("%s, %d images, %d chunks, %d x %d x %d -> %d, kernel %d, stride %d, padding %d %d, winograd %d, %d groups",
           are_images ? "images" : "maps", images, chunks, pass.h, pass.w, pass.cin, pass.cout, k, s, pass.pad_top,
           pass.pad_left, pass.winograd, pass.groups);
  if (are_images) pass.x = input((int64_t)images * pass.h * pass.w * pass.cin, 2);
  else draw_input(&pass, images, 1);
  pass.source = input(floats, 1);
  const int times = pass.winograd ? 4 : 1;
  pass.weights = output(times * packed_floats(k, pass.cin, pass.cout));
  const int has_dweights = chance(85), has_gx = !are_images && (!has_dweights || chance(85));
  if (has_gx) pass.weights_back = output(times * packed_floats(k, pass.cout, pass.cin));
  struct nas_pass forward = pass, backward = pass, packing = pass, unpacking = pass;
  packing.op = OP_PACK, packing.group = 0, unpacking.op = OP_UNPACK, unpacking.group = 0;
  forward.op = are_images ? OP_IMAGES_FORWARD : OP_CONV_FORWARD;
  backward.op = are_images ? OP_IMAGES_BACKWARD : OP_CONV_BACKWARD;
  forward.y = output_map(images, pass.cout, pass.oh * pass.ow);
  if (chance(80)) forward.y_sums = output_sums(chunks, pass.cout);
  draw_gradient(&backward, images);
  if (has_dweights) {
    backward.dweights = unpacking.dweights = output_partial(chunks, packed_floats(k, pass.cin, pass.cout));
    unpacking.dsource = output(floats);
  }
  if (has_gx) draw_sink(&backward, images, chunks);
  const struct nas_pass passes[] = {packing, forward, backward, unpacking};
  run_passes(passes, has_dweights ? 4 : 3, images, chunks);

  const double bound = pass.winograd ? 2e-5 : 5e-6; /* transformed tiles cancel more */
  const struct nas_pass *p = &pass;
  const double *x = inputs_of(&pass, images, are_images), *dy = gradients_of(&backward, images);
  const float *source = values(pass.source);
  int64_t *places = malloc((size_t)(k * k * p->cin * p->cout) * sizeof *places);
  if (places == 0) fail("no memory");
  for (int i = 0; i < k * k * p->cin * p->cout; i++)
    places[i] = weight_place(p, i / (p->cin * p->cout), i / p->cout % p->cin, i % p->cout);
  double *y = doubles((int64_t)images * pass.oh * pass.ow * pass.cout);
  FOR_PRODUCTS(y[o + b] += x[i + a] * source[v])
  double *expected = by_channels(y, images, pass.cout, pass.oh * pass.ow);
  expect_map("y", expected, forward.y, images, pass.cout, pass.oh * pass.ow, bound);
  if (forward.y_sums)
    expect_sums("y_sums", forward.y_sums, forward.y, forward.y, images, chunks, pass.cout, pass.oh * pass.ow, bound);
  free(expected), free(y);
  if (has_dweights) {
    double *dw = doubles(floats);
    FOR_PRODUCTS(dw[v] += x[i + a] * dy[o + b])
    const int groups = pass.groups ? pass.groups : 1; /* nothing is written between the kernels */
    for (int64_t g = 0, own = floats - (groups - 1) * pass.source_group; g < groups; g++)
      expect_values("dsource", dw + g * pass.source_group, values(unpacking.dsource) + g * pass.source_group, own, bound);
    free(dw);
  }
  if (has_gx) {
    double *dx = doubles((int64_t)images * pass.h * pass.w * pass.cin);
    FOR_PRODUCTS(dx[i + a] += dy[o + b] * source[v])
    double *d = by_channels(dx, images, pass.cin, pass.h * pass.w);
    expect_sink(&backward, d, 1, images, chunks, bound);
    free(d), free(dx);
  }
  free((void *)x), free((void *)dy), free(places);
}
