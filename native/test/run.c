/* Running: groups, threads that cannot be started, cores, partial sums without images. */
#include <pthread.h>
#include <unistd.h>

static int most_started;
static int start_some(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  return --most_started < 0 ? 11 : pthread_create(thread, attributes, run, argument);
}
#define pthread_create start_some

/* Where the cores are unknown, more threads are started than there are cores. */
static int cores_are_known;
#define sched_getaffinity(task, bytes, set) (cores_are_known ? (sched_getaffinity)(task, bytes, set) : -1)
#include "harness.h"

/* Threads begin on chosen cores. When they run passes, they may use all cores of the process. */
static void expect_all_cores(void) {
#ifdef __linux__
  cpu_set_t here, all;
  if ((sched_getaffinity)(0, sizeof here, &here) != 0 || (sched_getaffinity)(getpid(), sizeof all, &all) != 0) return;
  if (!CPU_EQUAL(&here, &all)) fail("a thread may use %d of %d cores", CPU_COUNT(&here), CPU_COUNT(&all));
#endif
}

/* y = read(x), with the sums of x and of x x of each chunk. */
static void copy(const struct nas_pass *pass, const struct work *work) {
  float *sums = partial_sums(work, pass->y_sums, pass->cin);
  const long pixels = (long)pass->h * pass->w;
  const int blocks = blocks_of(pass->cin);
  expect_all_cores();
  for (int n = work->first; n < work->last; n++)
    for (int b = 0; b < blocks; b++) {
      const struct reading reading = input_of(work, pass, n, b);
      float *y = plane(work, pass->y, n, blocks, b, pixels);
      read_rows(&reading, 0, pixels, y, 0);
      add_sums(sums + b * BLOCK, sums + (blocks + b) * BLOCK, y, y, pixels);
    }
}

/* y = length, from a pass that no other part shares. */
static void fill(const struct nas_pass *pass, const struct work *work) {
  if (work->part == 0 && work->parts == 1) at(work, pass->value)[0] = (float)pass->length;
}

static const struct operation operations[NAS_OP_COUNT] = {[OP_SUM] = {copy, 0}, [OP_SGD] = {fill, 0}};

static void test_case(void) {
  const int images = uniform(1, 9), chunks = uniform(1, 6), channels = uniform(1, 40), h = uniform(1, 5), w = uniform(1, 5);
  const int group = chance(50), fills = uniform(1, 9);
  describe("%d images, %d chunks, %d channels, %d x %d, group %d, %d independent", images, chunks, channels, h, w, group, fills);
  struct nas_pass passes[14] = {0};
  int count = 0, map = input_map(images, channels, h * w, 4);
  for (int i = 0; i < fills; i++)
    passes[count++] = (struct nas_pass){.op = OP_SGD, .group = -1, .value = output(i + 1), .gradient = input(i + 1, 1),
                                        .scalars = input(4, 1), .length = i + 1};
  for (int i = 0; i < 3; i++) {
    passes[count] = (struct nas_pass){.op = OP_SUM, .group = group, .cin = channels, .h = h, .w = w, .x = map, .x_act = ACT_NONE};
    passes[count].x_norm = input_rows(2, channels, 2);
    passes[count].y = map = output_map(images, channels, h * w);
    passes[count++].y_sums = output_sums(chunks, channels);
  }
  most_started = uniform(0, 3);
  cores_are_known = chance(50);
  run_passes(passes, count, images, chunks);
  for (int i = 0; i < fills; i++)
    if (values(passes[i].value)[0] != (float)(i + 1)) fail("independent pass %d did not run as a whole", i);
  for (int i = fills; i < count; i++) {
    double *expected = doubles((int64_t)images * channels * h * w), *e = expected;
    for (int n = 0; n < images; n++)
      for (int c = 0; c < channels; c++)
        for (int p = 0; p < h * w; p++) *e++ = read_input(&passes[i], n, c, p, 0);
    expect_map("y", expected, passes[i].y, images, channels, h * w, 1e-6);
    expect_sums("sums", passes[i].y_sums, passes[i].y, passes[i].y, images, chunks, channels, h * w, 1e-6);
    free(expected);
  }
  struct nas_call call = {passes, count, arena.floats, arena.used, 0, 0, images, chunks, 1};
  if (check_all(&call, operations) != 0) fail("passes that ran are refused");
  passes[fills].group = -1;
  if (check_all(&call, operations) != fills + 1) fail("a pass over maps is accepted as independent");
  passes[0].op = NAS_OP_COUNT;
  if (check_all(&call, operations) != 1) fail("an unknown operation is not refused");
  call.chunks = 0;
  if (check_all(&call, operations) != -1) fail("no chunks are accepted");
}
