/* The folded norm of an expansion against norms of the expanded values, and its gradients. */
#include "../fold.h"
#include "harness.h"

static const struct operation operations[NAS_OP_COUNT] = {
    [OP_EXPAND_FOLD] = {expand_fold, fold_scratch},
    [OP_EXPAND_FOLD_INFERENCE] = {expand_fold_inference, fold_scratch},
    [OP_EXPAND_FOLD_BACKWARD] = {expand_fold_backward, fold_scratch},
};

static int images, chunks, cin, expanded, pixels;

static int32_t bits_of(float value) {
  int32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

/* A partial array: the values of each chunk's images, from `add`, which adds those of an image. */
static int32_t partial_of(int64_t floats, void (*add)(double *to, int image, const void *argument), const void *argument) {
  const int32_t offset = buffer(chunks * floats, 0);
  for (int chunk = 0; chunk < chunks; chunk++) {
    double *sums = doubles(floats);
    for (int n = images * chunk / chunks; n < images * (chunk + 1) / chunks; n++) add(sums, n, argument);
    for (int64_t i = 0; i < floats; i++) values(offset)[chunk * floats + i] = (float)sums[i];
    free(sums);
  }
  return offset;
}

static void add_moments_of(double *to, int image, const void *x) {
  const int padded = blocks_of(cin) * BLOCK;
  for (int p = 0; p < pixels; p++)
    for (int i = 0; i < cin; i++) {
      const double a = map_at(*(const int32_t *)x, cin, pixels, image, i, p);
      to[i] += a;
      for (int j = 0; j < cin; j++) to[(1 + i) * padded + j] += a * map_at(*(const int32_t *)x, cin, pixels, image, j, p);
    }
}

struct maps { int32_t x, de; };

static void add_outer(double *to, int image, const void *argument) {
  const struct maps *maps = argument;
  for (int p = 0; p < pixels; p++)
    for (int i = 0; i < cin; i++)
      for (int e = 0; e < expanded; e++)
        to[((long)(e / PANEL) * cin + i) * PANEL + e % PANEL] +=
            map_at(maps->x, cin, pixels, image, i, p) * map_at(maps->de, expanded, pixels, image, e, p);
}

static void add_gradients(double *to, int image, const void *argument) {
  for (int p = 0; p < pixels; p++)
    for (int e = 0; e < expanded; e++) to[e] += map_at(((const struct maps *)argument)->de, expanded, pixels, image, e, p);
}

static void expect_vector(const char *name, const double *expected, int32_t offset, int count, double bound) {
  expect_values(name, expected, values(offset), count, bound);
}

static void test_case(void) {
  images = uniform(1, 5), chunks = uniform(1, 3), cin = uniform(1, 60), expanded = uniform(1, 100), pixels = uniform(2, 30);
  const int padded = blocks_of(cin) * BLOCK, out = blocks_of(expanded) * BLOCK, is_trained = chance(80);
  const double epsilon = 1e-3f, momentum = .9f, count = (double)images * pixels;
  describe("%d images of %d pixels, %d chunks, %d channels expanded to %d", images, pixels, chunks, cin, expanded);
  struct maps maps = {.x = input_map(images, cin, pixels, 2)};
  maps.de = input_map(images, expanded, pixels, 2);
  /* Channels of one value, and channels far from 0 beside their deviation. */
  const int is_far = seed_of_case % 3 == 0;
  for (int c = 0; is_far && c < cin; c += 3)
    for (int q = 0; q < images * pixels; q++) {
      float *value = values(maps.x) + map_index(cin, pixels, q / pixels, c, q % pixels);
      *value = c % 2 ? 3.123f : 2 + *value / 4;
    }
  const int64_t packed = packed_floats(1, cin, expanded), back = packed_floats(1, expanded, cin);
  struct nas_pass pass = {.op = OP_EXPAND_FOLD, .cin = cin, .expanded = expanded, .cout = expanded, .count = pixels,
                          .epsilon = bits_of((float)epsilon), .momentum = bits_of((float)momentum)};
  pass.e_source_in = cin + ONE_OF(0, uniform(1, 5)), pass.e_source_out = expanded + ONE_OF(0, uniform(1, 5));
  const int64_t e_floats = (int64_t)pass.e_source_in * pass.e_source_out;
  pass.e_source = input(e_floats, 1);
  pass.e_gamma = input(expanded, 1), pass.e_beta = input(expanded, 1);
  pass.e_moving_mean = written(input(expanded, 1)), pass.e_moving_variance = written(input(expanded, 1));
  for (int e = 0; e < expanded; e++) values(pass.e_moving_variance)[e] = fabsf(values(pass.e_moving_variance)[e]);
  pass.e_weights = output(packed), pass.e_weights_back = output(back), pass.e_norm = output(2 * out);
  struct nas_pass passes[4] = {pass, pass, pass, pass};
  passes[0].op = OP_EXPAND_FOLD_INFERENCE;
  passes[0].e_weights = output(packed), passes[0].e_weights_back = 0, passes[0].e_norm = output(2 * out);
  passes[0].e_stats = output(2 * out);
  passes[1].moments = partial_of((1L + padded) * padded, add_moments_of, &maps.x);
  passes[1].x = maps.x;
  passes[1].e_stats = output(2 * out);
  passes[2] = passes[1];
  passes[2].op = OP_EXPAND_FOLD_BACKWARD;
  passes[2].e_dweights = partial_of(packed, add_outer, &maps), passes[2].e_sums = partial_of(out, add_gradients, &maps);
  if (is_trained) {
    passes[2].e_dsource = output(e_floats);
    passes[2].e_dgamma = output(expanded), passes[2].e_dbeta = output(expanded);
  }
  /* The norm of inference, whose statistics are constants. */
  passes[3] = passes[2];
  passes[3].count = 0, passes[3].moments = 0, passes[3].e_stats = passes[0].e_stats, passes[3].e_weights_back = 0;
  if (is_trained) {
    passes[3].e_dsource = output(e_floats);
    passes[3].e_dgamma = output(expanded), passes[3].e_dbeta = output(expanded);
  }
  passes[2].affine = output((1L + padded) * padded);
  run_passes(passes, 4, images, chunks);

  const float *w = values(pass.e_source), *gamma = values(pass.e_gamma), *beta = values(pass.e_beta);
  double *norm = doubles(2 * out), *stats = doubles(2 * out), *inference = doubles(2 * out), *means = doubles(expanded);
  double *variances = doubles(expanded), *dgamma = doubles(expanded), *dbeta = doubles(expanded), *dw = doubles(e_floats);
  double *dx = doubles((int64_t)images * cin * pixels), *slopes = doubles(expanded), *fixed_dw = doubles(e_floats);
  for (int e = 0; e < expanded; e++) {
    double *values_of = doubles((int64_t)images * pixels), mean = 0, variance = 0;
    for (int q = 0; q < images * pixels; q++) {
      for (int i = 0; i < cin; i++)
        values_of[q] += map_at(maps.x, cin, pixels, q / pixels, i, q % pixels) * w[i * pass.e_source_out + e];
      mean += values_of[q] / count;
    }
    for (int q = 0; q < images * pixels; q++) variance += (values_of[q] - mean) * (values_of[q] - mean) / count;
    const double inverse = 1 / sqrt(variance + epsilon), scale = gamma[e] * inverse;
    stats[e] = mean, stats[out + e] = inverse, norm[e] = scale, norm[out + e] = beta[e] - mean * scale;
    const double moving_mean = arena.before[pass.e_moving_mean + e], moving_variance = arena.before[pass.e_moving_variance + e];
    /* Inference runs first, with the moving statistics from before. */
    inference[e] = gamma[e] / sqrt(moving_variance + epsilon), inference[out + e] = beta[e] - moving_mean * inference[e];
    means[e] = moving_mean - (moving_mean - mean) * (1 - momentum);
    variances[e] = moving_variance - (moving_variance - variance) * (1 - momentum);
    for (int q = 0; q < images * pixels; q++) {
      const double de = map_at(maps.de, expanded, pixels, q / pixels, e, q % pixels);
      dbeta[e] += de, dgamma[e] += de * (values_of[q] - mean) * inverse;
      slopes[e] += de * (values_of[q] - moving_mean) / sqrt(moving_variance + epsilon);
      for (int i = 0; i < cin; i++)
        fixed_dw[i * pass.e_source_out + e] += inference[e] * de * map_at(maps.x, cin, pixels, q / pixels, i, q % pixels);
    }
    for (int q = 0; q < images * pixels; q++) {
      const double de = map_at(maps.de, expanded, pixels, q / pixels, e, q % pixels);
      const double d = scale * (de - dbeta[e] / count - (values_of[q] - mean) * inverse * dgamma[e] / count);
      for (int i = 0; i < cin; i++) {
        const double weight = w[i * pass.e_source_out + e];
        dw[i * pass.e_source_out + e] += d * map_at(maps.x, cin, pixels, q / pixels, i, q % pixels);
        dx[(int64_t)q * cin + i] += (d - scale * de) * weight; /* what is affine in x */
      }
    }
    free(values_of);
    for (int i = 0; i < cin; i++) {
      const double weight = w[i * pass.e_source_out + e];
      const float *forward = values(pass.e_weights) + ((long)(e / PANEL) * cin + i) * PANEL + e % PANEL;
      const float backward = values(pass.e_weights_back)[((long)(i / PANEL) * expanded + e) * PANEL + i % PANEL];
      const float infers = values(passes[0].e_weights)[((long)(e / PANEL) * cin + i) * PANEL + e % PANEL];
      if (fabs(*forward - weight * scale) > 1e-4 * (1 + fabs(scale)))
        fail("e_weights: expected %g, got %g", weight * scale, *forward);
      if (backward != *forward) fail("e_weights_back: expected %g, got %g", *forward, backward);
      if (fabs(infers - weight * inference[e]) > 1e-5 * (1 + fabs(inference[e]))) fail("e_weights of inference: %g", infers);
    }
  }
  for (int e = expanded; e < panels_of(expanded) * PANEL; e++)
    for (int i = 0; i < cin; i++)
      if (values(pass.e_weights)[((long)(e / PANEL) * cin + i) * PANEL + e % PANEL] != 0)
        fail("lane %d of e_weights is not zero", e);
  for (int i = cin; i < panels_of(cin) * PANEL; i++)
    for (int e = 0; e < expanded; e++)
      if (values(pass.e_weights_back)[((long)(i / PANEL) * expanded + e) * PANEL + i % PANEL] != 0)
        fail("lane %d of e_weights_back is not zero", i);
  expect_vector("e_stats", stats, passes[1].e_stats, 2 * out, 1e-4);
  expect_vector("e_norm", norm, pass.e_norm, 2 * out, 1e-4);
  expect_vector("e_norm of inference", inference, passes[0].e_norm, 2 * out, 1e-5);
  expect_vector("moving mean", means, pass.e_moving_mean, expanded, 1e-5);
  expect_vector("moving variance", variances, pass.e_moving_variance, expanded, 1e-5);
  if (is_trained) {
    expect_vector("dgamma", dgamma, passes[2].e_dgamma, expanded, 1e-4);
    expect_vector("dbeta", dbeta, passes[2].e_dbeta, expanded, 1e-5);
    /* Far from 0, its terms cancel. */
    expect_vector("e_dsource", dw, passes[2].e_dsource, (int)e_floats, is_far ? 5e-4 : 1e-4);
  }
  if (is_trained) {
    expect_vector("dgamma of constants", slopes, passes[3].e_dgamma, expanded, 1e-4);
    expect_vector("dbeta of constants", dbeta, passes[3].e_dbeta, expanded, 1e-5);
    expect_vector("e_dsource of constants", fixed_dw, passes[3].e_dsource, (int)e_floats, 1e-4);
  }
  const float *affine = values(passes[2].affine);
  float *got = malloc((size_t)(images * pixels * cin) * sizeof(float));
  for (int q = 0; q < images * pixels; q++)
    for (int i = 0; i < cin; i++) {
      double sum = affine[i];
      for (int j = 0; j < cin; j++)
        sum += map_at(maps.x, cin, pixels, q / pixels, j, q % pixels) * affine[(1 + j) * padded + i];
      got[q * cin + i] = (float)sum;
    }
  expect_values("affine", dx, got, (int64_t)images * pixels * cin, 1e-4);
  for (int j = 0; j <= padded; j++)
    for (int i = 0; i < padded; i++)
      if ((i >= cin || j > cin) && affine[j * padded + i] != 0) fail("affine[%d][%d] is not zero", j, i);
  free(got), free(norm), free(stats), free(inference), free(means), free(variances), free(dgamma), free(dbeta), free(dw);
  free(dx), free(slopes), free(fixed_dw);
}
