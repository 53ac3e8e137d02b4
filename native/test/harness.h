/*
 * What the tests of kernels share. A test file includes its family's header and this one, defines `operations` (as in isa.c)
 * and `test_case`, which draws shapes, runs passes and compares with plain loops over doubles.
 *
 *   <test> [cases] [seed]     Case i of seed s is case 0 of seed s + i: a failure prints the seed that repeats it.
 *
 * test/native/ builds and runs all tests; NAS_KERNEL_CASES=10000 npx vitest run --project slow test/native draws more shapes.
 *
 * All values are small multiples of 1/64 or so: act(x scale + shift) has the same argument in float and double, so that no
 * value changes sides at a kink. Buffers that a pass writes begin as NaN; others must stay as they were. Address sanitizer
 * knows the exact end of each buffer.
 */
#ifndef NAS_TEST_HARNESS_H
#define NAS_TEST_HARNESS_H

#include "../check.h"
#include "../run.h"
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
/* gcc 12 aligns such stacks to 32 bytes only: vectors of 64 bytes fault. */
const char *__asan_default_options(void) { return "detect_stack_use_after_return=0"; }
#else
#define __asan_poison_memory_region(begin, bytes) ((void)(begin), (void)(bytes))
#define __asan_unpoison_memory_region(begin, bytes) ((void)(begin), (void)(bytes))
#endif

#define TEST static inline __attribute__((unused))

static const struct operation operations[NAS_OP_COUNT];
static void test_case(void);

/* ---- Failures ---- */

static uint64_t seed_of_case;
static char description[1024];

/* Describes the case, for the message of a failure. */
__attribute__((format(printf, 1, 2))) TEST void describe(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(description, sizeof description, format, arguments);
  va_end(arguments);
}

__attribute__((format(printf, 1, 2), noreturn)) TEST void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "FAILED (repeat with: 1 %llu) %s\n  ", (unsigned long long)seed_of_case, description);
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  exit(1);
}

/* ---- Random numbers ---- */

static uint64_t random_state;

TEST uint64_t random_bits(void) {
  uint64_t z = random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
/* An integer from `least` to `most`. */
TEST int uniform(int least, int most) { return least + (int)(random_bits() % (uint64_t)(most - least + 1)); }
TEST int chance(int percent) { return uniform(0, 99) < percent; }
/* One of the values. */
#define ONE_OF(...) (((const int[]){__VA_ARGS__})[uniform(0, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)) - 1)])
/* A multiple of 1/64 in [-most, most]. */
TEST float coarse(int most) { return (float)uniform(-64 * most, 64 * most) / 64; }

/* ---- The arena: each buffer exactly as long as asked for, aligned to 64 bytes, with a poisoned gap behind it ---- */

/* Offsets begin after all sizes. */
enum { ARENA_FLOATS = 1 << 24, FIRST_FLOAT = 1 << 20, MOST_BUFFERS = 256, GAP = 64 };

static struct {
  float *floats, *before;
  int64_t used;
  struct buffer { int32_t offset; int64_t floats; int written; } buffers[MOST_BUFFERS];
  int count;
} arena;

TEST void arena_reset(void) {
  if (arena.floats == 0) {
    arena.floats = aligned_alloc(64, (size_t)ARENA_FLOATS * 4);
    arena.before = malloc((size_t)ARENA_FLOATS * 4);
    if (arena.floats == 0 || arena.before == 0) fail("no memory");
  }
  __asan_poison_memory_region(arena.floats, (size_t)ARENA_FLOATS * 4);
  arena.used = FIRST_FLOAT;
  arena.count = 0;
}

TEST int32_t buffer(int64_t floats, int written) {
  const int64_t offset = arena.used;
  arena.used = (offset + floats + GAP + 15) / 16 * 16;
  if (arena.used > ARENA_FLOATS || arena.count == MOST_BUFFERS) fail("the arena of the tests is too small");
  arena.buffers[arena.count++] = (struct buffer){(int32_t)offset, floats, written};
  __asan_unpoison_memory_region(arena.floats + offset, (size_t)floats * 4);
  for (int64_t i = 0; i < floats; i++) arena.floats[offset + i] = NAN;
  return (int32_t)offset;
}

TEST float *values(int32_t offset) { return arena.floats + offset; }
TEST int64_t map_floats(int images, int channels, int64_t pixels) { return (int64_t)images * blocks_of(channels) * pixels * BLOCK; }

/* A buffer that a pass writes: NaN. */
TEST int32_t output(int64_t floats) { return buffer(floats, 1); }
TEST int32_t output_map(int images, int channels, int64_t pixels) { return output(map_floats(images, channels, pixels)); }
/* A partial array, garbage before the pass. */
TEST int32_t output_partial(int chunks, int64_t floats) { return output(chunks * floats); }
TEST int32_t output_sums(int chunks, int channels) { return output(2L * chunks * blocks_of(channels) * BLOCK); }

/* A buffer of multiples of 1/64 in [-most, most]. */
TEST int32_t input(int64_t floats, int most) {
  const int32_t offset = buffer(floats, 0);
  for (int64_t i = 0; i < floats; i++) values(offset)[i] = coarse(most);
  return offset;
}
/* Marks a buffer that a pass reads and writes. */
TEST int32_t written(int32_t offset) {
  for (int i = 0; i < arena.count; i++) if (arena.buffers[i].offset == offset) arena.buffers[i].written = 1;
  return offset;
}

TEST int64_t map_index(int channels, int64_t pixels, int image, int channel, int64_t pixel) {
  return (((int64_t)image * blocks_of(channels) + channel / BLOCK) * pixels + pixel) * BLOCK + channel % BLOCK;
}
TEST double map_at(int32_t map, int channels, int64_t pixels, int image, int channel, int64_t pixel) {
  return values(map)[map_index(channels, pixels, image, channel, pixel)];
}
/* A map with zero lanes beyond its channels. */
TEST int32_t input_map(int images, int channels, int64_t pixels, int most) {
  const int32_t map = input(map_floats(images, channels, pixels), most);
  for (int n = 0; n < images; n++)
    for (int c = channels; c < blocks_of(channels) * BLOCK; c++)
      for (int64_t p = 0; p < pixels; p++) values(map)[map_index(channels, pixels, n, c, p)] = 0;
  return map;
}
/* [rows][channels]: norms, gates; multiples of 1/16, zero lanes beyond the channels. */
TEST int32_t input_rows(int rows, int channels, int most) {
  const int padded = blocks_of(channels) * BLOCK;
  const int32_t offset = buffer((int64_t)rows * padded, 0);
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < padded; c++) values(offset)[r * padded + c] = c < channels ? (float)uniform(-16 * most, 16 * most) / 16 : 0;
  return offset;
}

/* ---- Plain readers ---- */

TEST double reference_sigmoid(double u) { return 1 / (1 + exp(-u)); }
TEST double reference_clip(double u) { return u < 0 ? 0 : u > 6 ? 6 : u; }

TEST double reference_act(double u, int act) {
  switch (act) {
  case ACT_RELU: return u > 0 ? u : 0;
  case ACT_RELU6: return reference_clip(u);
  case ACT_HARD_SWISH: return u * reference_clip(u + 3) / 6;
  case ACT_SWISH: return u * reference_sigmoid(u);
  case ACT_SIGMOID: return reference_sigmoid(u);
  case ACT_HARD_SIGMOID: return reference_clip(u + 3) / 6;
  default: return u;
  }
}

TEST double reference_slope(double u, int act) {
  const double s = reference_sigmoid(u);
  switch (act) {
  case ACT_RELU: return u > 0;
  case ACT_RELU6: return u > 0 && u < 6;
  case ACT_HARD_SWISH: return reference_clip(u + 3) / 6 + (u > -3 && u < 3 ? u / 6 : 0);
  case ACT_SWISH: return s + u * s * (1 - s);
  case ACT_SIGMOID: return s * (1 - s);
  case ACT_HARD_SIGMOID: return u > -3 && u < 3 ? 1. / 6 : 0;
  default: return 1;
  }
}

/* A value of a map, as it is read; *slope, if not NULL: what its gradient is multiplied by. */
TEST double read_value(int32_t map, int32_t norm, int act, int32_t gate, int channels, int64_t pixels, int image, int channel,
                       int64_t pixel, double *slope) {
  const int padded = blocks_of(channels) * BLOCK;
  double u = map_at(map, channels, pixels, image, channel, pixel);
  if (norm) u = u * values(norm)[channel] + values(norm)[padded + channel];
  const double factor = gate ? values(gate)[image * padded + channel] : 1;
  if (slope) *slope = reference_slope(u, act) * factor;
  return reference_act(u, act) * factor;
}

/* A value of the input of a pass, as it is read. */
TEST double read_input(const struct nas_pass *pass, int image, int channel, int64_t pixel, double *slope) {
  return read_value(pass->x, pass->x_norm, pass->x_act, pass->x_gate, pass->cin, (int64_t)pass->h * pass->w, image, channel, pixel,
                    slope);
}

/* The gradient of an output of a pass, before its norm. */
TEST double read_gradient(const struct nas_pass *pass, int image, int channel, int64_t pixel) {
  const int64_t pixels = (int64_t)pass->oh * pass->ow;
  const int padded = blocks_of(pass->cout) * BLOCK;
  const double g = map_at(pass->g, pass->cout, pixels, image, channel, pixel);
  if (pass->g_norm == 0) return g;
  const float *norm = values(pass->g_norm) + channel;
  return norm[0] * g + norm[padded] * map_at(pass->y, pass->cout, pixels, image, channel, pixel) + norm[2 * padded];
}

/* ---- Drawing what readers and sinks need ---- */

/* Draws x, and by chance its norm, activation and gate. */
TEST void draw_input(struct nas_pass *pass, int images, int gates) {
  pass->x = input_map(images, pass->cin, (int64_t)pass->h * pass->w, 4);
  if (chance(70)) pass->x_norm = input_rows(2, pass->cin, 2);
  pass->x_act = uniform(0, NAS_ACTS - 1);
  if (gates && chance(40)) pass->x_gate = input_rows(images, pass->cin, 1);
}

/* Draws g, and by chance its norm (with y). */
TEST void draw_gradient(struct nas_pass *pass, int images) {
  const int64_t pixels = (int64_t)pass->oh * pass->ow;
  pass->g = input_map(images, pass->cout, pixels, 2);
  if (!chance(70)) return;
  pass->g_norm = input_rows(3, pass->cout, 1);
  pass->y = input_map(images, pass->cout, pixels, 2);
}

/* Draws where the gradient of the input goes. */
TEST void draw_sink(struct nas_pass *pass, int images, int chunks) {
  const int64_t pixels = (int64_t)pass->h * pass->w;
  pass->gx_first = chance(50);
  pass->gx = pass->gx_first ? output_map(images, pass->cin, pixels) : written(input_map(images, pass->cin, pixels, 2));
  if (chance(30)) pass->add0 = input_map(images, pass->cin, pixels, 2);
  if (chance(20)) pass->add1 = input_map(images, pass->cin, pixels, 2);
  if (chance(50)) pass->s0 = output_sums(chunks, pass->cin), pass->s0_z = input_map(images, pass->cin, pixels, 2);
  if (chance(20)) pass->s1 = output_sums(chunks, pass->cin), pass->s1_z = input_map(images, pass->cin, pixels, 2);
}

/* ---- Comparing ---- */

/* Compares with |expected - got| <= bound (1 + the largest |expected|). */
TEST void expect_values(const char *name, const double *expected, const float *got, int64_t count, double bound) {
  double most = 1;
  for (int64_t i = 0; i < count; i++) most = fmax(most, fabs(expected[i]));
  for (int64_t i = 0; i < count; i++)
    if (!(fabs(expected[i] - got[i]) <= bound * most))
      fail("%s[%lld] of %lld: expected %.9g, got %.9g (bound %.3g)", name, (long long)i, (long long)count, expected[i], got[i],
           bound * most);
}

TEST double *doubles(int64_t count) {
  double *all = calloc((size_t)count + 1, sizeof(double));
  if (all == 0) fail("no memory");
  return all;
}

/* Compares a map with expected[images][channels][pixels]; its lanes without a channel must hold zeros. */
TEST void expect_map(const char *name, const double *expected, int32_t map, int images, int channels, int64_t pixels, double bound) {
  const int64_t floats = map_floats(images, channels, pixels);
  double *blocked = doubles(floats);
  for (int n = 0; n < images; n++)
    for (int c = 0; c < channels; c++)
      for (int64_t p = 0; p < pixels; p++)
        blocked[map_index(channels, pixels, n, c, p)] = expected[((int64_t)n * channels + c) * pixels + p];
  expect_values(name, blocked, values(map), floats, bound);
  for (int n = 0; n < images; n++)
    for (int c = channels; c < blocks_of(channels) * BLOCK; c++)
      for (int64_t p = 0; p < pixels; p++)
        if (values(map)[map_index(channels, pixels, n, c, p)] != 0) fail("%s: channel %d of %d is not zero", name, c, channels);
  free(blocked);
}

/* Compares partial [2][channels] with the sums of y, and of y z, of each chunk's images. */
TEST void expect_sums(const char *name, int32_t sums, int32_t y, int32_t z, int images, int chunks, int channels, int64_t pixels,
                      double bound) {
  const int padded = blocks_of(channels) * BLOCK;
  for (int chunk = 0; chunk < chunks; chunk++) {
    double *expected = doubles(2 * padded);
    for (int n = images * chunk / chunks; n < images * (chunk + 1) / chunks; n++)
      for (int c = 0; c < channels; c++)
        for (int64_t p = 0; p < pixels; p++) {
          const double value = map_at(y, channels, pixels, n, c, p);
          expected[c] += value;
          expected[padded + c] += value * map_at(z, channels, pixels, n, c, p);
        }
    expect_values(name, expected, values(sums) + chunk * 2L * padded, 2 * padded, bound);
    free(expected);
  }
}

/* Compares the sum over chunks of a partial array with `expected`. */
TEST void expect_partial(const char *name, const double *expected, int32_t partial, int chunks, int64_t floats, double bound) {
  double most = 1;
  for (int64_t i = 0; i < floats; i++) most = fmax(most, fabs(expected[i]));
  for (int64_t i = 0; i < floats; i++) {
    double sum = 0;
    for (int chunk = 0; chunk < chunks; chunk++) sum += values(partial)[chunk * floats + i];
    if (!(fabs(expected[i] - sum) <= bound * most)) fail("%s[%lld]: expected %.9g, got %.9g", name, (long long)i, expected[i], sum);
  }
}

/* Compares gx and its sums with d[images][cin][pixels], the gradient of what was read; `reads`: d is multiplied by the slope
   (without a gate: nas.h). */
TEST void expect_sink(const struct nas_pass *pass, const double *d, int reads, int images, int chunks, double bound) {
  const int64_t pixels = (int64_t)pass->h * pass->w;
  double *expected = doubles((int64_t)images * pass->cin * pixels), *e = expected;
  for (int n = 0; n < images; n++)
    for (int c = 0; c < pass->cin; c++)
      for (int64_t p = 0; p < pixels; p++, d++, e++) {
        double slope = 1;
        if (reads && pass->x_gate == 0) read_input(pass, n, c, p, &slope);
        *e = *d * slope;
        if (!pass->gx_first) *e += arena.before[pass->gx + map_index(pass->cin, pixels, n, c, p)];
        if (pass->add0) *e += map_at(pass->add0, pass->cin, pixels, n, c, p);
        if (pass->add1) *e += map_at(pass->add1, pass->cin, pixels, n, c, p);
      }
  expect_map("gx", expected, pass->gx, images, pass->cin, pixels, bound);
  if (pass->s0) expect_sums("s0", pass->s0, pass->gx, pass->s0_z, images, chunks, pass->cin, pixels, 1e-5);
  if (pass->s1) expect_sums("s1", pass->s1, pass->gx, pass->s1_z, images, chunks, pass->cin, pixels, 1e-5);
  free(expected);
}

/* ---- Running ---- */

TEST void run_once(const struct nas_pass *passes, int count, int images, int chunks, int threads, int64_t scratch_floats) {
  float *scratch = aligned_alloc(64, (size_t)(threads * scratch_floats * 4) + 64);
  if (scratch == 0) fail("no memory");
  /* The end of the last thread's scratch is exact. */
  __asan_poison_memory_region(scratch + threads * scratch_floats, 64);
  for (int64_t i = 0; i < threads * scratch_floats; i++) scratch[i] = NAN;
  const struct nas_call call = {passes, count, arena.floats, arena.used, scratch, scratch_floats, images, chunks, threads};
  const int64_t bad = check_all(&call, operations);
  if (bad != 0) fail("the check refuses pass %lld, operation %d", (long long)bad, passes[bad - 1].op);
  run_all(&call, operations);
  __asan_unpoison_memory_region(scratch + threads * scratch_floats, 64);
  free(scratch);
}

/* Copies the values of all buffers. */
TEST void copy_buffers(float *to, const float *from) {
  for (int b = 0; b < arena.count; b++)
    memcpy(to + arena.buffers[b].offset, from + arena.buffers[b].offset, (size_t)arena.buffers[b].floats * 4);
}

TEST void expect_buffers(const float *expected, const char *what, int written_too) {
  for (int b = 0; b < arena.count; b++) {
    const struct buffer *own = &arena.buffers[b];
    if (own->written && !written_too) continue;
    if (memcmp(values(own->offset), expected + own->offset, (size_t)own->floats * 4) != 0) fail("buffer %d %s", b, what);
  }
}

/* Fields that are values, whose change changes results. */
TEST int is_value(size_t field) {
  static const size_t all[] = {offsetof(struct nas_pass, gx_first), offsetof(struct nas_pass, epsilon), offsetof(struct nas_pass, momentum),
                               offsetof(struct nas_pass, f0), offsetof(struct nas_pass, f1), offsetof(struct nas_pass, f2),
                               offsetof(struct nas_pass, f3), offsetof(struct nas_pass, f4), offsetof(struct nas_pass, group)};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i] == field * 4) return 1;
  return 0;
}

TEST const struct buffer *buffer_at(int32_t offset) {
  for (int b = 0; b < arena.count; b++)
    if (arena.buffers[b].offset == offset) return &arena.buffers[b];
  return 0;
}

/*
 * Changes fields one by one. A buffer is accepted at the very end of the arena, and refused one float later and before the arena;
 * sizes may be refused. Fields that the check ignores get values at which no pass may look: after that, the passes give the same.
 */
TEST void attack_check(struct nas_pass *passes, int count, const struct nas_call *call) {
  for (int i = 0; i < count; i++)
    for (size_t f = 1; f < sizeof(struct nas_pass) / 4; f++) {
      int32_t *field = (int32_t *)(void *)&passes[i] + f;
      const int32_t own = *field;
      if (own == 0 || is_value(f)) continue;
      const struct buffer *buffer = buffer_at(own);
      const int32_t end = buffer ? (int32_t)(arena.used - buffer->floats) : 0;
      const int32_t tries[] = {INT32_MAX, INT32_MIN, -1, 0, end, end + 1};
      int accepted = 0;
      for (int t = 0; t < 6; t++) *field = tries[t], accepted |= (check_all(call, operations) == 0) << t;
      *field = own;
      if (accepted == 63) *field = buffer ? FIRST_FLOAT - GAP : INT32_MAX;
      else if (buffer && (accepted & ~8) != 16)
        fail("pass %d, field %d, a buffer of %lld floats, is accepted where %d says", i, (int)f, (long long)buffer->floats, accepted);
      else if (!buffer && accepted & 3) fail("pass %d, field %d: sizes without an end are accepted", i, (int)f);
    }
}

/*
 * Runs passes on one thread, then again, from the same state, on several: the same bits must come out, and nothing but the
 * outputs may change. Values from before the run: arena.before.
 */
TEST void run_passes(const struct nas_pass *passes, int count, int images, int chunks) {
  int64_t scratch = 16;
  for (int i = 0; i < count; i++) {
    const int64_t floats = (check_pass(0, &passes[i], operations) + 15) / 16 * 16;
    if (floats > scratch) scratch = floats;
  }
  float *once = malloc((size_t)arena.used * 4);
  if (once == 0) fail("no memory");
  copy_buffers(arena.before, arena.floats);
  run_once(passes, count, images, chunks, 1, scratch);
  copy_buffers(once, arena.floats);
  expect_buffers(arena.before, "is no output, but was written", 0);
  copy_buffers(arena.floats, arena.before);
  run_once(passes, count, images, chunks, uniform(2, 4), scratch);
  expect_buffers(once, "depends on the number of threads", 1);
  if (chance(30)) {
    struct nas_pass *attacked = malloc((size_t)count * sizeof *attacked);
    if (attacked == 0) fail("no memory");
    memcpy(attacked, passes, (size_t)count * sizeof *attacked);
    attack_check(attacked, count, &(struct nas_call){attacked, count, arena.floats, arena.used, 0, scratch, images, chunks, 1});
    copy_buffers(arena.floats, arena.before);
    run_once(attacked, count, images, chunks, 1, scratch);
    expect_buffers(once, "depends on fields that are not checked", 1);
    free(attacked);
  }
  free(once);
}

/* Whether this processor has the instructions that this test was compiled for. */
TEST int is_possible(void) {
#if VL == 16
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#elif VL == 8
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return 1;
#endif
}

int main(int argc, char **argv) {
  if (!is_possible()) {
    printf("0 cases: this processor lacks the instructions\n");
    return 0;
  }
  const long cases = argc > 1 ? atol(argv[1]) : 100;
  const uint64_t seed = argc > 2 ? strtoull(argv[2], 0, 10) : 1;
  for (long i = 0; i < cases; i++) {
    random_state = seed_of_case = seed + (uint64_t)i;
    arena_reset();
    description[0] = 0;
    test_case();
  }
  printf("%ld cases\n", cases);
  return 0;
}

#endif
