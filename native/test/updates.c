/* Updates of parameters against plain loops in double. */
#include "../updates.h"
#include "harness.h"

static const struct operation operations[NAS_OP_COUNT] = {
    [OP_SGD] = {sgd, 0},
    [OP_ADAMW] = {adamw, 0},
    [OP_MUON] = {muon, muon_scratch},
    [OP_AVERAGE] = {average, 0},
};

static int32_t bits_of(float value) {
  int32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

static double before(int32_t offset, int64_t i) { return arena.before[offset + i]; }
static double scalar(const struct nas_pass *pass, int i) { return values(pass->scalars)[i]; }

static void test_sgd(struct nas_pass pass) {
  const double momentum = (float)uniform(0, 9) / 10, decay = chance(50) ? 1e-2f : 0, share = ONE_OF(1, 2) / 2.0f;
  const int nesterov = chance(50), count = pass.length;
  pass.op = OP_SGD;
  if (momentum > 0) pass.slot0 = written(input(count, 1));
  pass.f0 = bits_of((float)momentum), pass.f1 = bits_of((float)decay), pass.f2 = bits_of((float)nesterov), pass.f3 = bits_of((float)share);
  run_passes(&pass, 1, uniform(1, 5), uniform(1, 4));
  double *value = doubles(count), *slot = doubles(count);
  for (int i = 0; i < count; i++) {
    const double g = values(pass.gradient)[i] + decay * before(pass.value, i);
    slot[i] = pass.slot0 ? momentum * before(pass.slot0, i) + g : g;
    value[i] = before(pass.value, i) - (nesterov && pass.slot0 ? g + momentum * slot[i] : slot[i]) * scalar(&pass, SCALAR_RATE) * share;
  }
  expect_values("value", value, values(pass.value), count, 1e-6);
  if (pass.slot0) expect_values("momentum", slot, values(pass.slot0), count, 1e-6);
  free(value), free(slot);
}

static void test_adamw(struct nas_pass pass) {
  const double share1 = 0.1f, share2 = 0.001f, epsilon = 1e-7f, decay = chance(50) ? 1e-2f : 0, share = ONE_OF(1, 2) / 2.0f;
  const int count = pass.length;
  pass.op = OP_ADAMW;
  pass.slot0 = written(input(count, 1)), pass.slot1 = written(input(count, 1));
  for (int i = 0; i < count; i++) values(pass.slot1)[i] = fabsf(values(pass.slot1)[i]) + 1.f / 64;
  pass.f0 = bits_of((float)share1), pass.f1 = bits_of((float)share2), pass.f2 = bits_of((float)epsilon);
  pass.f3 = bits_of((float)share), pass.f4 = bits_of((float)decay);
  run_passes(&pass, 1, uniform(1, 5), uniform(1, 4));
  double *value = doubles(count), *first = doubles(count), *second = doubles(count);
  for (int i = 0; i < count; i++) {
    const double g = values(pass.gradient)[i], w = before(pass.value, i), rate = scalar(&pass, SCALAR_RATE) * share;
    first[i] = (1 - share1) * before(pass.slot0, i) + share1 * g;
    second[i] = (1 - share2) * before(pass.slot1, i) + share2 * g * g;
    const double m = first[i] / (1 - scalar(&pass, SCALAR_POWER1)), v = second[i] / (1 - scalar(&pass, SCALAR_POWER2));
    value[i] = w - rate * decay * w - rate * m / (sqrt(v) + epsilon);
  }
  expect_values("value", value, values(pass.value), count, 2e-6);
  expect_values("first moment", first, values(pass.slot0), count, 1e-6);
  expect_values("second moment", second, values(pass.slot1), count, 1e-6);
  free(value), free(first), free(second);
}

static void test_average(struct nas_pass pass) {
  const int count = pass.length;
  const double decay = scalar(&pass, SCALAR_DECAY);
  pass.op = OP_AVERAGE;
  pass.average = written(input(count, 2));
  for (int b = 0; b < arena.count; b++)
    if (arena.buffers[b].offset == pass.value) arena.buffers[b].written = 0;
  run_passes(&pass, 1, uniform(1, 5), uniform(1, 4));
  double *mean = doubles(count);
  for (int i = 0; i < count; i++) mean[i] = before(pass.average, i) * decay + before(pass.value, i) * (1 - decay);
  expect_values("average", mean, values(pass.average), count, 1e-6);
  free(mean);
}

/* [rows][inner] times [inner][columns]; a is read by its strides. */
static double *product(const double *a, int row, int step, const double *b, int b_row, int b_column, int rows, int inner, int columns) {
  double *out = doubles((int64_t)rows * columns);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++)
      for (int k = 0; k < inner; k++) out[i * columns + j] += a[i * row + k * step] * b[k * b_row + j * b_column];
  return out;
}

/* X <- 3.4445 X - 4.775 X Xt X + 2.0315 X Xt X Xt X, from the norm 1. */
static void orthogonalize(double *x, int rows, int columns, int iterations) {
  double squares = 1e-14;
  for (int i = 0; i < rows * columns; i++) squares += x[i] * x[i];
  for (int i = 0; i < rows * columns; i++) x[i] /= sqrt(squares);
  for (int step = 0; step < iterations; step++) {
    double *gram = product(x, columns, 1, x, 1, columns, rows, columns, rows);
    double *third = product(gram, rows, 1, x, columns, 1, rows, rows, columns);
    double *fifth = product(gram, rows, 1, third, columns, 1, rows, rows, columns);
    for (int i = 0; i < rows * columns; i++) x[i] = 3.4445 * x[i] - 4.775 * third[i] + 2.0315 * fifth[i];
    free(gram), free(third), free(fifth);
  }
}

static void test_muon(void) {
  const int kernel = ONE_OF(1, 1, 1, 2, 3), in = uniform(1, chance(20) ? 80 : 20), rows = kernel * kernel * in;
  const int columns = uniform(1, chance(20) ? 80 : 20), count = rows * columns, partial = chance(50), none = chance(20);
  const double momentum = 0.6f, ratio = 0.25f;
  struct nas_pass pass = {.op = OP_MUON, .group = -chance(50), .cin = rows, .cout = columns, .length = count};
  describe("muon %d x %d, partial %d, without gradient %d", rows, columns, partial, none);
  pass.iterations = uniform(1, 5);
  pass.value = written(input(count, 1)), pass.gradient = input(count, 1), pass.slot0 = written(input(count, 1));
  if (none) memset(values(pass.gradient), 0, (size_t)count * 4);
  if (none && chance(50)) memset(values(pass.slot0), 0, (size_t)count * 4);
  pass.scalars = buffer(SCALARS, 0);
  values(pass.scalars)[SCALAR_RATE] = 0.5f;
  pass.f0 = bits_of((float)momentum), pass.f1 = bits_of((float)ratio), pass.f2 = bits_of((float)partial);
  run_passes(&pass, 1, uniform(1, 5), uniform(1, 4));
  double *x = doubles(count), *slot = doubles(count), squares = 1e-14;
  int any = 0;
  for (int i = 0; i < count; i++) {
    const double g = values(pass.gradient)[i];
    slot[i] = momentum * before(pass.slot0, i) + g;
    x[i] = g + momentum * slot[i];
    any |= g != 0;
    squares += before(pass.value, i) * before(pass.value, i);
  }
  orthogonalize(x, rows, columns, pass.iterations);
  for (int i = 0; i < count; i++)
    x[i] = before(pass.value, i) * sqrt(columns / squares) - (partial && !any ? 0 : 0.5 * ratio * x[i]);
  expect_values("momentum", slot, values(pass.slot0), count, 1e-6);
  expect_values("value", x, values(pass.value), count, 2e-4);
  free(x), free(slot);
}

static void test_case(void) {
  struct nas_pass pass = {.group = -chance(50), .length = uniform(1, 3000)};
  describe("%d values", pass.length);
  pass.value = written(input(pass.length, 2)), pass.gradient = input(pass.length, 2);
  pass.scalars = buffer(SCALARS, 0);
  const int step = uniform(1, 100);
  values(pass.scalars)[SCALAR_RATE] = 0.125f, values(pass.scalars)[SCALAR_DECAY] = 0.75f;
  values(pass.scalars)[SCALAR_POWER1] = (float)pow(0.9, step), values(pass.scalars)[SCALAR_POWER2] = (float)pow(0.99, step);
  switch (uniform(0, 3)) {
  case 0: test_sgd(pass); break;
  case 1: test_adamw(pass); break;
  case 2: test_average(pass); break;
  default: test_muon();
  }
}
