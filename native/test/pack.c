/* PACK and UNPACK against plain loops. */
#include "../pack.h"
#include "groups.h"

static const struct operation operations[NAS_OP_COUNT] = {[OP_PACK] = {pack, pack_scratch}, [OP_UNPACK] = {unpack, 0}};

/* The place of a weight in packed weights of cin and cout channels. */
static long place(int k, int cin, int ky, int kx, int ci, int co) {
  const int block = ci / BLOCK, before = block * BLOCK * k * k, rest = cin - block * BLOCK;
  const int channels = rest < BLOCK ? rest : BLOCK;
  return ((long)(co / PANEL) * k * k * cin + before + (ky * k + kx) * channels + ci % BLOCK) * PANEL + co % PANEL;
}

static void test_case(void) {
  const int k = uniform(1, 5), side = k + 2 * uniform(0, 1) * uniform(0, 2), chunks = uniform(1, 4), margin = (side - k) / 2;
  struct nas_pass passes[2] = {{.op = OP_PACK, .kernel = k, .cin = uniform(1, 70), .cout = uniform(1, 70)}};
  draw_groups(&passes[0], 50, side);
  const int cin = passes[0].cin, cout = passes[0].cout, groups = passes[0].groups ? passes[0].groups : 1;
  const int in = passes[0].source_in += chance(50) * uniform(0, 9), out = passes[0].source_out += chance(50) * uniform(0, 9);
  passes[0].source_group = groups > 1 ? side * side * in * out + uniform(0, 9) : 0;
  describe("kernel %d of %d, %d of %d -> %d of %d, %d groups, %d chunks", k, side, cin, in, cout, out, groups, chunks);
  const long kernel = (long)(groups - 1) * passes[0].source_group + (long)side * side * in * out;
  const long floats = (long)(cout + PANEL - 1) / PANEL * PANEL * k * k * cin;
  const long back = (long)(cin + PANEL - 1) / PANEL * PANEL * k * k * cout;
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
          const int64_t from = weight_place(&passes[0], (ky + margin) * side + kx + margin, ci, co);
          if (from < 0) continue;
          const long to = place(k, cin, ky, kx, ci, co);
          weights[to] = values(passes[0].source)[from];
          weights_back[place(k, cout, k - 1 - ky, k - 1 - kx, co, ci)] = values(passes[0].source)[from];
          for (int chunk = 0; chunk < chunks; chunk++) gradient[from] += values(passes[1].dweights)[chunk * floats + to];
        }
  expect_values("weights", weights, values(passes[0].weights), floats, 0);
  if (passes[0].weights_back) expect_values("weights_back", weights_back, values(passes[0].weights_back), back, 0);
  for (int group = 0; group < groups; group++) { /* nothing is written between the kernels */
    const int64_t from = (int64_t)group * passes[0].source_group;
    expect_values("dsource", gradient + from, values(passes[1].dsource) + from, (int64_t)side * side * in * out, 0);
  }
  free(weights), free(weights_back), free(gradient);
}
