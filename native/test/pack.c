/* PACK and UNPACK against plain loops. */
#include "../pack.h"
#include "harness.h"

static const struct operation operations[NAS_OP_COUNT] = {[OP_PACK] = {pack, pack_scratch}, [OP_UNPACK] = {unpack, 0}};

/* The place of a weight in packed weights of cin and cout channels. */
static long place(int k, int cin, int ky, int kx, int ci, int co) {
  const int block = ci / BLOCK, before = block * BLOCK * k * k, rest = cin - block * BLOCK;
  const int channels = rest < BLOCK ? rest : BLOCK;
  return ((long)(co / PANEL) * k * k * cin + before + (ky * k + kx) * channels + ci % BLOCK) * PANEL + co % PANEL;
}

static void test_case(void) {
  const int k = uniform(1, 5), side = k + 2 * uniform(0, 1) * uniform(0, 2), chunks = uniform(1, 4), margin = (side - k) / 2;
  const int cin = uniform(1, 70), cout = uniform(1, 70);
  const int in = cin + chance(50) * uniform(0, 9), out = cout + chance(50) * uniform(0, 9);
  describe("kernel %d of %d, %d of %d -> %d of %d, %d chunks", k, side, cin, in, cout, out, chunks);
  const long kernel = (long)side * side * in * out;
  const long floats = (long)(cout + PANEL - 1) / PANEL * PANEL * k * k * cin;
  const long back = (long)(cin + PANEL - 1) / PANEL * PANEL * k * k * cout;
  struct nas_pass passes[2] = {{.op = OP_PACK, .kernel = k, .cin = cin, .cout = cout, .source_in = in, .source_out = out}};
  if (side > k || chance(20)) passes[0].source_kernel = side;
  passes[1] = passes[0];
  passes[1].op = OP_UNPACK;
  passes[0].source = input(kernel, 4);
  passes[0].weights = output(floats);
  if (chance(70)) passes[0].weights_back = output(back);
  passes[1].dweights = input(chunks * floats, 4);
  passes[1].dsource = output(kernel);
  run_passes(passes, 2, uniform(1, 9), chunks);

  double *weights = doubles(floats), *weights_back = doubles(back), *gradient = doubles(kernel);
  for (int ky = 0; ky < k; ky++)
    for (int kx = 0; kx < k; kx++)
      for (int ci = 0; ci < cin; ci++)
        for (int co = 0; co < cout; co++) {
          const long from = (((long)(ky + margin) * side + kx + margin) * in + ci) * out + co;
          const long to = place(k, cin, ky, kx, ci, co);
          weights[to] = values(passes[0].source)[from];
          weights_back[place(k, cout, k - 1 - ky, k - 1 - kx, co, ci)] = values(passes[0].source)[from];
          for (int chunk = 0; chunk < chunks; chunk++) gradient[from] += values(passes[1].dweights)[chunk * floats + to];
        }
  expect_values("weights", weights, values(passes[0].weights), floats, 0);
  if (passes[0].weights_back) expect_values("weights_back", weights_back, values(passes[0].weights_back), back, 0);
  expect_values("dsource", gradient, values(passes[1].dsource), kernel, 0);
  free(weights), free(weights_back), free(gradient);
}
