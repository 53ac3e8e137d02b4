/* PRODUCT_* and AFFINE against plain loops. */
#include "../products.h"
#include "groups.h"

static const struct operation operations[NAS_OP_COUNT] = {
    [OP_PACK] = {pack, pack_scratch},
    [OP_UNPACK] = {unpack, 0},
    [OP_PRODUCT_FORWARD] = {product_forward, product_forward_scratch},
    [OP_PRODUCT_BACKWARD] = {product_backward, product_backward_scratch},
    [OP_AFFINE] = {affine, affine_scratch},
};

static int images, chunks, pixels;
static struct nas_pass shape;

/* The place of weight (ci, co) in the packed weights of a product. */
static int place(int ci, int co) { return (co / PANEL * shape.cin + ci) * PANEL + co % PANEL; }
static double weight(int ci, int co) {
  const int64_t place = weight_place(&shape, 0, ci, co);
  return place < 0 ? 0 : values(shape.source)[place];
}

/* By chance, the last pass forms a group with another one, so that both run by few images at a time. */
static int grouped(struct nas_pass *passes, int count) {
  struct nas_pass *own = &passes[count - 1], *other = &passes[count];
  if (chance(60)) return count;
  *other = (struct nas_pass){.cin = shape.cin, .h = shape.h, .w = shape.w, .x = own->x, .group = own->group = 1};
  if (own->op == OP_AFFINE) {
    other->op = OP_AFFINE, other->affine = own->affine, other->gx_first = 1;
    other->gx = output_map(images, shape.cin, pixels);
  } else {
    other->op = OP_PRODUCT_FORWARD, other->kernel = other->stride = 1, other->cout = shape.cout, other->weights = shape.weights;
    other->oh = shape.h, other->ow = shape.w;
    other->y = output_map(images, shape.cout, pixels);
  }
  return count + 1;
}

static void test_forward(struct nas_pass *passes) {
  passes[1] = shape;
  passes[1].op = OP_PRODUCT_FORWARD;
  draw_input(&passes[1], images, 1);
  passes[1].y = output_map(images, shape.cout, pixels);
  if (chance(70)) passes[1].y_sums = output_sums(chunks, shape.cout);
  run_passes(passes, grouped(passes, 2), images, chunks);

  double *expected = doubles((int64_t)images * shape.cout * pixels), *e = expected;
  for (int n = 0; n < images; n++)
    for (int co = 0; co < shape.cout; co++)
      for (int p = 0; p < pixels; p++, e++)
        for (int ci = 0; ci < shape.cin; ci++) *e += read_input(&passes[1], n, ci, p, 0) * weight(ci, co);
  expect_map("y", expected, passes[1].y, images, shape.cout, pixels, 2e-6);
  const int32_t y = passes[1].y, sums = passes[1].y_sums;
  if (sums) expect_sums("y_sums", sums, y, y, images, chunks, shape.cout, pixels, 1e-5);
  free(expected);
}

static void test_backward(struct nas_pass *passes) {
  struct nas_pass *pass = &passes[1];
  *pass = shape;
  pass->op = OP_PRODUCT_BACKWARD;
  draw_input(pass, images, 1);
  draw_gradient(pass, images);
  const int64_t floats = (int64_t)(shape.cout + PANEL - 1) / PANEL * PANEL * shape.cin;
  if (chance(80)) pass->dweights = output_partial(chunks, floats);
  if (chance(80)) draw_sink(pass, images, chunks);
  run_passes(passes, grouped(passes, 2), images, chunks);

  double *gradient = doubles(floats), *d = doubles((int64_t)images * shape.cin * pixels), *to = d;
  for (int n = 0; n < images; n++)
    for (int ci = 0; ci < shape.cin; ci++)
      for (int p = 0; p < pixels; p++, to++) {
        const double x = read_input(pass, n, ci, p, 0);
        for (int co = 0; co < shape.cout; co++) {
          const double dy = read_gradient(pass, n, co, p);
          if (weight_place(&shape, 0, ci, co) >= 0) gradient[place(ci, co)] += x * dy;
          *to += dy * weight(ci, co);
        }
      }
  if (pass->dweights) { /* lanes without a channel, and pairs of different groups, may hold anything */
    for (int ci = 0; ci < shape.cin; ci++)
      for (int co = 0; co < shape.cout || co % PANEL != 0; co++)
        for (int chunk = 0; chunk < chunks; chunk++)
          if (co >= shape.cout || weight_place(&shape, 0, ci, co) < 0)
            values(pass->dweights)[chunk * floats + place(ci, co)] = 0;
    expect_partial("dweights", gradient, pass->dweights, chunks, floats, 5e-6);
  }
  if (pass->gx) expect_sink(pass, d, 1, images, chunks, 2e-6);
  free(gradient), free(d);
}

static void test_affine(struct nas_pass *passes) {
  struct nas_pass *pass = &passes[0];
  *pass = (struct nas_pass){.op = OP_AFFINE, .cin = shape.cin, .h = shape.h, .w = shape.w, .group = shape.group};
  const int channels = shape.cin;
  pass->x = input_map(images, channels, pixels, 4);
  pass->affine = input_rows(1 + blocks_of(channels) * BLOCK, channels, 2);
  draw_sink(pass, images, chunks);
  run_passes(passes, grouped(passes, 1), images, chunks);

  double *d = doubles((int64_t)images * channels * pixels), *to = d;
  const float *vector = values(pass->affine);
  const int lanes = blocks_of(channels) * BLOCK;
  for (int n = 0; n < images; n++)
    for (int c = 0; c < channels; c++)
      for (int p = 0; p < pixels; p++, to++) {
        *to = vector[c];
        for (int k = 0; k < channels; k++) *to += map_at(pass->x, channels, pixels, n, k, p) * vector[(1 + k) * lanes + c];
      }
  expect_sink(pass, d, 0, images, chunks, 2e-6);
  free(d);
}

static void test_case(void) {
  struct nas_pass passes[3] = {0};
  const int kind = uniform(0, 2), most = chance(10) ? 20 : 7;
  images = uniform(1, most), chunks = uniform(1, 5);
  shape = (struct nas_pass){.kernel = 1, .stride = 1};
  shape.h = uniform(1, chance(10) ? 28 : 9), shape.w = uniform(1, chance(10) ? 28 : 9);
  if (chance(30)) shape.w = shape.h = ONE_OF(1, 2, 4, 7, 8, 14, 16);
  shape.oh = shape.h, shape.ow = shape.w, pixels = shape.h * shape.w;
  shape.cin = chance(20) ? 16 * uniform(1, 12) : uniform(1, 100);
  shape.cout = chance(20) ? 16 * uniform(1, 7) : uniform(1, 100);
  const int64_t floats = draw_groups(&shape, 40, 1);
  describe("kind %d, %d images, %d chunks, %d x %d, %d -> %d, %d groups", kind, images, chunks, shape.h, shape.w, shape.cin,
           shape.cout, shape.groups);
  if (kind == 2) {
    test_affine(passes);
    return;
  }
  passes[0] = shape;
  passes[0].op = OP_PACK;
  passes[0].source = shape.source = input(floats, 2);
  passes[0].weights = shape.weights = output((shape.cout + PANEL - 1) / PANEL * PANEL * (int64_t)shape.cin);
  passes[0].weights_back = shape.weights_back = output((shape.cin + PANEL - 1) / PANEL * PANEL * (int64_t)shape.cout);
  if (kind == 0) test_forward(passes);
  else test_backward(passes);
}
