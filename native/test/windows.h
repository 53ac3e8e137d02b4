/* Windows of depthwise convolutions, and the values of their kernels. */
#ifndef NAS_TEST_WINDOWS_H
#define NAS_TEST_WINDOWS_H

#include "harness.h"

/* Draws a window: sides, kernel, stride, and the padding of 'same' or of half a kernel. */
static void draw_window(struct nas_pass *pass) {
  const int k = pass->kernel = ONE_OF(1, 3, 3, 3, 5, 5, 7, 9), s = pass->stride = uniform(1, 2);
  pass->h = chance(5) ? uniform(60, 140) : ONE_OF(uniform(1, 14), uniform(1, 14), 28);
  pass->w = chance(5) ? uniform(60, 140) : ONE_OF(uniform(1, 14), pass->h < 30 ? pass->h : 30, 28);
  if (chance(50)) { /* 'same' */
    pass->oh = (pass->h + s - 1) / s, pass->ow = (pass->w + s - 1) / s;
    const int high = (pass->oh - 1) * s + k - pass->h, wide = (pass->ow - 1) * s + k - pass->w;
    pass->pad_top = high > 0 ? high / 2 : 0, pass->pad_left = wide > 0 ? wide / 2 : 0;
  } else {
    pass->pad_top = pass->pad_left = k / 2;
    pass->oh = (pass->h + 2 * (k / 2) - k) / s + 1, pass->ow = (pass->w + 2 * (k / 2) - k) / s + 1;
  }
}

/* A value of the kernel that the pass uses. */
TEST double tap_of(const struct nas_pass *pass, int ky, int kx, int channel) {
  const int side = pass->source_kernel ? pass->source_kernel : pass->kernel, edge = (side - pass->kernel) / 2;
  return values(pass->source)[((long)(ky + edge) * side + kx + edge) * pass->source_in + channel];
}

#endif
