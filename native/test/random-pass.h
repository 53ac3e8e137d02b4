/*
 * Random passes of every operation: sizes that mostly belong together, one buffer near the end of the arena, some fields of
 * nonsense. What the check accepts has to run without touching anything outside of the arena and the scratch.
 */
enum { REGION = 1 << 17, FLOATS = (FIELDS + 1) * REGION };

/* Overwrites the sizes of a pass, whose fields are offsets so far. */
static void draw_sizes(struct nas_pass *p) {
  p->kernel = ONE_OF(1, 3, 3, 5, 2), p->stride = ONE_OF(1, 1, 2, 3), p->pad_top = uniform(0, p->kernel - 1);
  p->pad_left = chance(80) ? p->pad_top : uniform(0, p->kernel - 1);
  p->h = uniform(1, 9), p->w = chance(50) ? p->h : uniform(1, 9), p->cin = uniform(1, 40), p->cout = chance(50) ? p->cin : uniform(1, 40);
  p->oh = chance(50) ? p->h : (p->h + p->stride - 1) / p->stride, p->ow = chance(50) ? p->w : (p->w + p->stride - 1) / p->stride;
  p->winograd = chance(30), p->groups = chance(70) ? 0 : uniform(1, 4);
  p->source_group = uniform(0, 3000);
  if (p->groups && chance(80)) p->cin = p->groups * uniform(1, 12), p->cout = p->groups * uniform(1, 12);
  if (p->op >= OP_MEAN_FORWARD && p->op <= OP_MAX_BACKWARD) p->cout = p->cin, p->kernel = chance(10) ? 0 : p->kernel;
  if ((p->op == OP_DOUBLE_FORWARD || p->op == OP_DOUBLE_BACKWARD) && chance(90))
    p->cout = p->cin, p->oh = 2 * p->h - chance(30), p->ow = 2 * p->w - chance(30);
  if (p->winograd && chance(80)) p->kernel = 3, p->stride = p->pad_top = p->pad_left = 1, p->oh = p->h, p->ow = p->w;
  p->source_in = ONE_OF(0, p->cin, p->cin + 3), p->source_out = ONE_OF(0, p->cout, p->cout + 3, 60);
  p->source_kernel = ONE_OF(0, p->kernel, p->kernel + 2), p->count = p->h * p->w;
  p->expanded = chance(80) ? p->cout : uniform(1, 50), p->squeezed = uniform(1, 40);
  p->e_source_in = p->cin + ONE_OF(0, 2), p->e_source_out = p->expanded + ONE_OF(0, 2);
  p->x_act = uniform(0, NAS_ACTS - 1), p->x2_act = uniform(0, NAS_ACTS - 1), p->e_act = uniform(0, NAS_ACTS - 1);
  p->squeeze_act = uniform(0, NAS_ACTS - 1), p->gate_act = ONE_OF(ACT_SIGMOID, ACT_HARD_SIGMOID);
  p->gx_first = chance(50), p->group = p->op < OP_PACK ? 0 : -chance(50), p->length = uniform(1, 3000), p->iterations = uniform(1, 5);
  p->epsilon = p->momentum = p->f0 = p->f1 = p->f2 = p->f3 = p->f4 = 0;
  if ((p->op == OP_EXPAND_FORWARD || p->op == OP_EXPAND_BACKWARD) && chance(90))
    p->x_norm = p->x_act = p->x_gate = p->add0 = p->add1 = p->s0 = p->s1 = 0, p->cout = p->expanded;
  if (p->op == OP_IMAGES_BACKWARD && chance(90)) p->gx = 0;
}

static void random_pass(void) {
  static float *memory;
  static int tried, accepted;
  struct nas_pass pass;
  int32_t *fields = (int32_t *)(void *)&pass;
  for (int f = 0; f < FIELDS; f++) fields[f] = chance(20) ? 0 : (f + 1) * REGION + uniform(0, 64);
  for (int i = uniform(0, 3); i > 0; i--) fields[uniform(1, FIELDS - 1)] = FLOATS - uniform(0, 2) * uniform(0, 20000);
  pass.op = uniform(0, NAS_OP_COUNT - 1);
  draw_sizes(&pass);
  if (chance(20)) fields[uniform(1, FIELDS - 1)] = ONE_OF(-1, 0, 1, 2, 100, 1 << 12, INT32_MIN, INT32_MAX, FLOATS - 1);
  describe("operation %d", pass.op);
  const int images = uniform(1, 4), chunks = uniform(1, 3), threads = uniform(1, 3);
  const int64_t wanted = JOINED(nas_scratch_, NAS_ISA)(&pass), row = (wanted + 15) / 16 * 16;
  if (wanted > MOST_SCRATCH) return;
  float *scratch = aligned_alloc(64, (size_t)(row > 0 ? row * threads * 4 : 64));
  if (memory == 0) memory = calloc(FLOATS, 4);
  if (memory == 0 || scratch == 0) fail("no memory");
  const int64_t bad = JOINED(nas_run_, NAS_ISA)(&pass, 1, memory, FLOATS, scratch, row > 0 ? row : 0, images, chunks, threads);
  if (bad != 0 && bad != 1) fail("the answer is %lld", (long long)bad);
  if (wanted < 0 && bad == 0) fail("sizes that are not possible have run");
  free(scratch);
  tried++, accepted += bad == 0;
  if (tried == 1000 && accepted < 200) fail("only %d of 1000 passes are accepted: nothing is tested", accepted);
}
