/* Groups of channels, and the places of the weights of their kernels. */
#ifndef NAS_TEST_GROUPS_H
#define NAS_TEST_GROUPS_H

#include "harness.h"

/* By chance, groups of channels, narrower and wider than blocks; sets the sizes of the source. @returns floats of the source */
static int64_t draw_groups(struct nas_pass *pass, int percent, int side) {
  int groups = 1;
  if (chance(percent)) {
    groups = pass->groups = uniform(2, 5);
    pass->cin = groups * ONE_OF(uniform(1, 9), uniform(10, 20), 16);
    pass->cout = groups * ONE_OF(uniform(1, 9), uniform(10, 20), 32);
    if (chance(50)) pass->cin = 2 * uniform(1, 40), pass->cout = 2 * uniform(1, 40), groups = pass->groups = 2;
  }
  pass->source_in = pass->cin / groups, pass->source_out = pass->cout / groups;
  const int floats = side * side * pass->source_in * pass->source_out;
  if (groups > 1) pass->source_group = floats + uniform(0, 20);
  return (groups - 1) * pass->source_group + floats;
}

/* The place in the source of the weight of channels a and b at a tap of the whole kernel; -1: they are of different groups. */
static int64_t weight_place(const struct nas_pass *p, int tap, int a, int b) {
  const int groups = p->groups ? p->groups : 1, in = p->cin / groups, out = p->cout / groups, group = a / in;
  if (b / out != group) return -1;
  return group * (int64_t)p->source_group + ((int64_t)tap * p->source_in + a % in) * p->source_out + b % out;
}

#endif
