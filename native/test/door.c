/*
 * Random passes (random-pass.h), and plans of real networks (the file NAS_PLANS, from test/native/plans.ts) with one or two numbers
 * changed, in arenas of exactly their size. The library refuses a plan, or runs it without touching anything outside of the arena
 * and the scratch. Both are one program: it compiles the whole library.
 */
#include <string.h>
/* Buffers of a changed plan may overlap: its results mean nothing. */
#define memcpy memmove
#include "../isa.c"
#include "harness.h"

enum { FIELDS = sizeof(struct nas_pass) / 4, MOST_PLANS = 16, MOST_SCRATCH = 1 << 22, REFILL = 32 };
#include "random-pass.h"

static struct plan {
  int32_t images, chunks, floats, count;
  struct nas_pass *passes;
  float *memory;
} plans[MOST_PLANS];
static int plan_count;

static void read_plans(const char *name) {
  FILE *file = fopen(name, "rb");
  int32_t head[5];
  if (file == 0) fail("there is no file %s", name);
  while (plan_count < MOST_PLANS && fread(head, 4, 5, file) == 5) {
    struct plan *plan = &plans[plan_count++];
    if (head[4] != FIELDS) fail("a pass of the plans has %d numbers", head[4]);
    *plan = (struct plan){head[0], head[1], head[2], head[3], malloc((size_t)head[3] * sizeof(struct nas_pass)), 0};
    const size_t bytes = (size_t)plan->floats * 4;
    plan->memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (plan->passes == 0 || plan->memory == 0) fail("no memory");
    const size_t read = fread(plan->passes, sizeof(struct nas_pass), (size_t)plan->count, file);
    if (read != (size_t)plan->count) fail("%s is too short", name);
    __asan_poison_memory_region(plan->memory + plan->floats, (bytes + 127) / 64 * 64 - bytes);
  }
  fclose(file);
}

/* Another number for a field. */
static int32_t changed(const struct plan *plan, const int32_t *fields, int32_t old) {
  switch (uniform(0, 8)) {
  case 0: return (int32_t)((uint32_t)old + (uint32_t)uniform(-2, 2));
  case 1: return (int32_t)((uint32_t)old + (uint32_t)uniform(-300, 300));
  case 2: return ONE_OF(-1, 0, 1, 2, 3, 15, 16, 17, 64, 1 << 12, 1 << 16, INT32_MIN, INT32_MAX);
  case 3: return fields[uniform(0, FIELDS - 1)];
  case 4: return plan->floats - uniform(0, 3) * uniform(0, 5000);
  case 5: return (int32_t)random_bits();
  case 6: return (int32_t)((uint32_t)old * 2);
  case 7: return old / 2;
  default: return uniform(0, 64);
  }
}

/* Runs a plan; whether it was accepted. */
static int run_plan(const struct plan *plan, const struct nas_pass *passes, int images, int threads) {
  int64_t scratch = 1;
  for (int i = 0; i < plan->count; i++) {
    const int64_t own = JOINED(nas_scratch_, NAS_ISA)(&passes[i]);
    if (own > scratch) scratch = own;
  }
  if (scratch > MOST_SCRATCH) return 0;
  const int64_t row = (scratch + 15) / 16 * 16;
  float *memory = aligned_alloc(64, (size_t)(row * threads * 4));
  if (memory == 0) fail("no memory");
  const int64_t bad = JOINED(nas_run_, NAS_ISA)(passes, plan->count, plan->memory, plan->floats, memory, row, images,
                                                plan->chunks, threads);
  free(memory);
  if (bad < -1 || bad > plan->count) fail("the answer is %lld", (long long)bad);
  return bad == 0;
}

static void changed_plan(void) {
  static int tried, accepted;
  const char *name = getenv("NAS_PLANS");
  if (name == 0) return;
  if (plan_count == 0) read_plans(name);
  const struct plan *plan = &plans[uniform(0, plan_count - 1)];
  /* Results of changed plans grow: begin again with small numbers. */
  if (tried % REFILL == 0)
    for (int p = 0; p < plan_count; p++)
      for (int i = 0; i < plans[p].floats; i++) plans[p].memory[i] = coarse(1);
  if (tried == 0)
    for (int p = 0; p < plan_count; p++)
      if (!run_plan(&plans[p], plans[p].passes, plans[p].images, 1)) fail("plan %d is refused as it is", p);
  struct nas_pass *passes = malloc((size_t)plan->count * sizeof *passes);
  if (passes == 0) fail("no memory");
  memcpy(passes, plan->passes, (size_t)plan->count * sizeof *passes);
  for (int changes = uniform(1, 2); changes > 0; changes--) {
    const int at = uniform(0, plan->count - 1);
    int32_t *fields = (int32_t *)(void *)&passes[at];
    int field = uniform(0, FIELDS - 1);
    for (int i = 0; i < 200 && fields[field] == 0 && chance(95); i++) field = uniform(0, FIELDS - 1);
    const int32_t old = fields[field];
    fields[field] = changed(plan, fields, old);
    describe("plan %d, pass %d, operation %d, field %d: %d, not %d", (int)(plan - plans), at, passes[at].op, field,
             fields[field], old);
  }
  accepted += run_plan(plan, passes, chance(90) ? plan->images : uniform(0, 2 * plan->images), uniform(1, 3));
  free(passes);
  tried++;
  if (tried == 1000 && accepted < 100) fail("only %d of 1000 plans are accepted: nothing is tested", accepted);
}

static void test_case(void) {
  random_pass();
  changed_plan();
}
