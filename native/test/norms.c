/* Batch norms against plain loops over the values themselves. */
#include "../norms.h"
#include "harness.h"

static const struct operation operations[NAS_OP_COUNT] = {
    [OP_NORM] = {norm_forward, 0},
    [OP_NORM_INFERENCE] = {norm_inference, 0},
    [OP_NORM_BACKWARD] = {norm_backward, 0},
};

static int images, chunks, channels, padded;
static int64_t pixels;

/* The partial sums of a b. */
static int32_t sums_of(int32_t a, int32_t b) {
  const int32_t sums = buffer(2 * chunks * padded, 0);
  for (int64_t i = 0; i < 2 * chunks * padded; i++) values(sums)[i] = 0;
  for (int chunk = 0; chunk < chunks; chunk++) {
    float *own = values(sums) + 2 * chunk * padded;
    for (int c = 0; c < channels; c++) {
      double sum = 0, products = 0;
      for (int n = images * chunk / chunks; n < images * (chunk + 1) / chunks; n++)
        for (int64_t p = 0; p < pixels; p++) {
          const double x = map_at(a, channels, pixels, n, c, p);
          sum += x, products += x * map_at(b, channels, pixels, n, c, p);
        }
      own[c] = (float)sum, own[padded + c] = (float)products;
    }
  }
  return sums;
}

static int32_t weight(float least) {
  const int32_t offset = buffer(channels, 0);
  for (int c = 0; c < channels; c++) values(offset)[c] = least + (float)uniform(0, 128) / 64;
  return offset;
}

static void test_case(void) {
  images = uniform(1, 6), chunks = uniform(1, 4), channels = uniform(1, 100), pixels = uniform(1, 60);
  padded = blocks_of(channels) * BLOCK;
  describe("%d images, %d chunks, %d channels, %d pixels", images, chunks, channels, (int)pixels);
  const int32_t y = input_map(images, channels, pixels, 2), g = input_map(images, channels, pixels, 2);
  /* Channels of one value, and channels far from 0 beside their deviation. */
  const int is_far = chance(50);
  for (int c = 0; is_far && c < channels; c += 3)
    for (int64_t i = 0; i < images * pixels; i++) {
      float *value = values(y) + map_index(channels, pixels, (int)(i / pixels), c, i % pixels);
      *value = c % 2 ? 3.123f : 4 + *value / 8;
    }
  const float epsilon = 1e-3f, momentum = 0.9f;
  struct nas_pass pass = {.op = OP_NORM, .group = -chance(50), .cout = channels, .count = (int)pixels};
  pass.gamma = weight(-1), pass.beta = weight(-1);
  memcpy(&pass.epsilon, &epsilon, 4);
  memcpy(&pass.momentum, &momentum, 4);
  pass.y_sums = sums_of(y, y);
  if (is_far || chance(50)) pass.y = y;
  pass.stats = output(2 * padded), pass.x_norm = output(2 * padded);
  const int moves = chance(80);
  if (moves) pass.moving_mean = written(weight(-1)), pass.moving_variance = written(weight(0));
  struct nas_pass back = pass, inference = pass;
  back.op = OP_NORM_BACKWARD;
  back.s0 = sums_of(g, y);
  back.g_norm = output(3 * padded);
  if (chance(80)) back.dgamma = output(channels), back.dbeta = output(channels);
  inference.op = OP_NORM_INFERENCE;
  inference.moving_mean = weight(-1), inference.moving_variance = weight(0);
  inference.x_norm = output(2 * padded), inference.stats = output(2 * padded);
  struct nas_pass constant = back;
  constant.stats = inference.stats, constant.count = 0, constant.g_norm = output(3 * padded);
  constant.group *= 2; /* after the passes of the other group */
  if (back.dgamma) constant.dgamma = output(channels), constant.dbeta = output(channels);
  const struct nas_pass passes[] = {pass, back, inference, constant};
  run_passes(passes, 1, images, chunks);
  double *stats = doubles(2 * padded), *norm = doubles(2 * padded), *fixed = doubles(2 * padded), *mean = doubles(channels);
  double *variance = doubles(channels), *dgamma = doubles(channels), *dbeta = doubles(channels), *g_norm = doubles(3 * padded);
  double *moved = doubles(2 * channels), *slopes = doubles(channels), *scales = doubles(3 * padded);
  const double count = (double)images * (double)pixels;
  for (int c = 0; c < channels; c++) {
    for (int64_t i = 0; i < images * pixels; i++) mean[c] += map_at(y, channels, pixels, (int)(i / pixels), c, i % pixels) / count;
    for (int64_t i = 0; i < images * pixels; i++)
      variance[c] += pow(map_at(y, channels, pixels, (int)(i / pixels), c, i % pixels) - mean[c], 2) / count;
    const double gamma = values(pass.gamma)[c], beta = values(pass.beta)[c], inverse = 1 / sqrt(variance[c] + epsilon);
    stats[c] = mean[c], stats[padded + c] = inverse;
    norm[c] = gamma * inverse, norm[padded + c] = beta - mean[c] * norm[c];
    fixed[c] = gamma / sqrt(values(inference.moving_variance)[c] + epsilon);
    moved[c] = arena.before[pass.moving_mean + c] * 0.9 + mean[c] * 0.1;
    moved[channels + c] = arena.before[pass.moving_variance + c] * 0.9 + variance[c] * 0.1;
    fixed[padded + c] = beta - values(inference.moving_mean)[c] * fixed[c];
    for (int64_t i = 0; i < images * pixels; i++) {
      const int n = (int)(i / pixels);
      const double gradient = map_at(g, channels, pixels, n, c, i % pixels);
      dbeta[c] += gradient;
      dgamma[c] += gradient * (map_at(y, channels, pixels, n, c, i % pixels) - mean[c]) * inverse;
      slopes[c] += gradient * (map_at(y, channels, pixels, n, c, i % pixels) - values(inference.moving_mean)[c]) /
                     sqrt(values(inference.moving_variance)[c] + epsilon);
    }
    scales[c] = fixed[c];
    /* dy: of g; of y, for a deviation; and where g is 0 and y the mean. */
    g_norm[c] = gamma * inverse;
    g_norm[padded + c] = -gamma * inverse * dgamma[c] / count;
    g_norm[2 * padded + c] = -gamma * inverse * dbeta[c] / count;
  }
  expect_values("stats", stats, values(pass.stats), 2 * padded, 1e-4);
  expect_values("x_norm", norm, values(pass.x_norm), 2 * padded, 1e-4);
  if (moves) {
    expect_values("moving_mean", moved, values(pass.moving_mean), channels, 1e-5);
    expect_values("moving_variance", moved + channels, values(pass.moving_variance), channels, 1e-5);
  }
  run_passes(passes + 1, 3, images, chunks);
  expect_values("g_norm of constants", scales, values(constant.g_norm), 3 * padded, 1e-5);
  if (back.dgamma) expect_values("dgamma of constants", slopes, values(constant.dgamma), channels, 1e-4);
  if (back.dbeta) expect_values("dbeta of constants", dbeta, values(constant.dbeta), channels, 1e-4);
  expect_values("x_norm in inference", fixed, values(inference.x_norm), 2 * padded, 1e-5);
  if (back.dgamma) expect_values("dgamma", dgamma, values(back.dgamma), channels, 1e-4);
  if (back.dbeta) expect_values("dbeta", dbeta, values(back.dbeta), channels, 1e-4);
  float *got = values(back.g_norm);
  for (int c = 0; c < channels; c++) {
    got[2 * padded + c] += got[padded + c] * (float)stats[c];
    got[padded + c] /= (float)stats[padded + c];
  }
  expect_values("g_norm", g_norm, values(back.g_norm), 3 * padded, 1e-4);
  free(stats), free(norm), free(fixed), free(mean), free(variance), free(dgamma), free(dbeta), free(g_norm), free(moved), free(slopes);
  free(scales);
}
