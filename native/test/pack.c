/* Packing kernels against plain loops, for random shapes. */
#include "../isa.c"
#include <stdio.h>
#include <stdlib.h>

static uint32_t state = 1;
static int draw(int below) {
  state = state * 1664525u + 1013904223u;
  return (int)(((uint64_t)state * (uint64_t)below) >> 32);
}
static float value(void) { return (float)draw(1 << 20) / (1 << 19) - 1; }

static void check(int holds, const char *what, const struct nas_pass *pass) {
  if (holds) return;
  fprintf(stderr, "%s: kernel %d, %d -> %d of %d -> %d\n", what, pass->kernel, pass->cin, pass->cout, pass->source_in, pass->source_out);
  exit(1);
}

int main(int count, char **arguments) {
  const int rounds = count > 1 ? atoi(arguments[1]) : 200;
  for (int round = 0; round < rounds; round++) {
    const int k = 1 + draw(5), cin = 1 + draw(70), cout = 1 + draw(70), in = cin + draw(2) * draw(9), out = cout + draw(2) * draw(9);
    const int chunks = 1 + draw(4), taps = k * k;
    struct nas_pass pass = {.op = OP_PACK, .kernel = k, .cin = cin, .cout = cout, .source_in = in, .source_out = out};
    const long source = (long)taps * in * out, floats = packed_floats(k, cin, cout), back = packed_floats(k, cout, cin);
    int32_t end = 16;
    pass.source = end, end += (int32_t)source;
    pass.weights = end, end += (int32_t)floats;
    pass.weights_back = end, end += (int32_t)back;
    pass.dweights = end, end += (int32_t)(chunks * floats);
    pass.dsource = end, end += (int32_t)source;
    float *arena = aligned_alloc(64, ((size_t)end * 4 + 63) / 64 * 64);
    for (int32_t i = 0; i < end; i++) arena[i] = value();
    struct nas_pass passes[2] = {pass, pass};
    passes[1].op = OP_UNPACK;
    check(JOINED(nas_run_, NAS_ISA)(passes, 2, arena, end, 0, 0, 8, chunks, 1 + draw(3)) == 0, "does not run", &pass);
    for (int ky = 0; ky < k; ky++)
      for (int kx = 0; kx < k; kx++)
        for (int ci = 0; ci < in; ci++)
          for (int co = 0; co < out; co++) {
            const long at = pass.source + (((long)ky * k + kx) * in + ci) * out + co;
            const float gradient = arena[pass.dsource + at - pass.source];
            if (ci >= cin || co >= cout) {
              check(gradient == 0, "gradient of what is not used", &pass);
              continue;
            }
            const long row = packed_row(k, cin, ci / BLOCK, ky * k + kx) + ci % BLOCK;
            const long row_back = packed_row(k, cout, co / BLOCK, (k - 1 - ky) * k + k - 1 - kx) + co % BLOCK;
            const long forward = (co / PANEL * rows_of(k, cin) + row) * PANEL + co % PANEL;
            check(arena[pass.weights + forward] == arena[at], "weights", &pass);
            check(arena[pass.weights_back + (ci / PANEL * rows_of(k, cout) + row_back) * PANEL + ci % PANEL] == arena[at],
                  "weights_back", &pass);
            float sum = 0;
            for (int chunk = 0; chunk < chunks; chunk++) sum += arena[pass.dweights + chunk * floats + forward];
            check(gradient == sum, "dsource", &pass);
          }
    for (int row = 0; row < taps * cin; row++)
      for (int lane = cout; lane < panels_of(cout) * PANEL; lane++)
        check(arena[pass.weights + ((long)(lane / PANEL) * taps * cin + row) * PANEL + lane % PANEL] == 0, "empty lanes", &pass);
    for (int row = 0; row < taps * cout; row++)
      for (int lane = cin; lane < panels_of(cin) * PANEL; lane++)
        check(arena[pass.weights_back + ((long)(lane / PANEL) * taps * cout + row) * PANEL + lane % PANEL] == 0, "empty lanes back",
              &pass);
    free(arena);
  }
  printf("%d shapes\n", rounds);
  return 0;
}
