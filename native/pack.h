/*
 * Packed weights: the copies of kernels that the register kernels read, made for each step.
 *
 * A kernel [k, k, source_in, source_out], of which the first cin and cout are used, becomes panels of PANEL output channels:
 *
 *   float weights[panels_of(cout)][rows_of(k, cin)][PANEL]
 *
 * A panel's rows: input block, ky, kx, channel in the block. The last block has only as many rows as it has channels, so that row
 * (block b, ky, kx, channel c) is packed_row(k, cin, b, ky * k + kx) + c. Lanes of output channels that do not exist hold zeros.
 *
 * weights_back is the same for the gradient of the input: the roles of in and out are swapped and the kernel is turned by 180
 * degrees, so that a convolution of dy by it, of stride 1, is the gradient:
 *
 *   float weights_back[panels_of(cin)][rows_of(k, cout)][PANEL]
 *
 * dweights, the partial gradient, is [chunks] times the layout of `weights`. Its lanes without an output channel may hold anything.
 *
 * Memory is reserved for a PANEL of 32, the largest one.
 */
#ifndef NAS_PACK_H
#define NAS_PACK_H

#include "gemm.h"
#include "maps.h"

INLINE int panels_of(int channels) { return (channels + PANEL - 1) / PANEL; }
INLINE long rows_of(int kernel, int channels) { return (long)kernel * kernel * channels; }
INLINE int block_channels(int channels, int block) {
  const int rest = channels - block * BLOCK;
  return rest < BLOCK ? rest : BLOCK;
}
/* The first row of a block and a tap (ky k + kx). */
INLINE long packed_row(int kernel, int channels, int block, int tap) {
  return (long)block * BLOCK * kernel * kernel + (long)tap * block_channels(channels, block);
}
INLINE long packed_floats(int kernel, int cin, int cout) { return panels_of(cout) * rows_of(kernel, cin) * PANEL; }

/* One panel of `weights`. */
static inline void pack_panel(const float *source, int kernel, int source_in, int source_out, int cin, int cout, int panel, float *to) {
  const int from = panel * PANEL, width = cout - from < PANEL ? cout - from : PANEL;
  for (int block = 0; block < blocks_of(cin); block++)
    for (int tap = 0; tap < kernel * kernel; tap++)
      for (int c = 0; c < block_channels(cin, block); c++, to += PANEL) {
        memcpy(to, source + ((long)tap * source_in + block * BLOCK + c) * source_out + from, (size_t)width * 4);
        if (width < PANEL) memset(to + width, 0, (size_t)(PANEL - width) * 4);
      }
}

/* One panel of `weights_back`: its lanes are input channels. */
static inline void pack_panel_back(const float *source, int kernel, int source_in, int source_out, int cin, int cout, int panel,
                                   float *to) {
  const int from = panel * PANEL, width = cin - from < PANEL ? cin - from : PANEL, taps = kernel * kernel;
  for (int block = 0; block < blocks_of(cout); block++)
    for (int tap = 0; tap < taps; tap++) {
      const int count = block_channels(cout, block);
      const float *tile = source + ((long)(taps - 1 - tap) * source_in + from) * source_out + block * BLOCK;
      for (int lane = 0; lane < width; lane++)
        for (int c = 0; c < count; c++) to[c * PANEL + lane] = tile[(long)lane * source_out + c];
      if (width < PANEL)
        for (int c = 0; c < count; c++) memset(to + c * PANEL + width, 0, (size_t)(PANEL - width) * 4);
      to += count * PANEL;
    }
}

/* The panels of this part: from <= panel < to. */
INLINE void panels_of_part(const struct work *work, int panels, int *from, int *to) {
  *from = (int)((long)panels * work->part / work->parts);
  *to = (int)((long)panels * (work->part + 1) / work->parts);
}

static void pack(const struct nas_pass *pass, const struct work *work) {
  const int kernel = pass->kernel, cin = pass->cin, cout = pass->cout;
  int from, to;
  if (pass->weights) {
    panels_of_part(work, panels_of(cout), &from, &to);
    for (int panel = from; panel < to; panel++)
      pack_panel(at(work, pass->source), kernel, pass->source_in, pass->source_out, cin, cout, panel,
                 at(work, pass->weights) + panel * rows_of(kernel, cin) * PANEL);
  }
  if (pass->weights_back) {
    panels_of_part(work, panels_of(cin), &from, &to);
    for (int panel = from; panel < to; panel++)
      pack_panel_back(at(work, pass->source), kernel, pass->source_in, pass->source_out, cin, cout, panel,
                      at(work, pass->weights_back) + panel * rows_of(kernel, cout) * PANEL);
  }
}

/* Sums the chunks' gradients in their order. Parts of the kernel that are not used have gradients of zero. */
static void unpack(const struct nas_pass *pass, const struct work *work) {
  const int kernel = pass->kernel, cin = pass->cin, cout = pass->cout, taps = kernel * kernel;
  const long rows = rows_of(kernel, cin), chunk_floats = packed_floats(kernel, cin, cout);
  const float *partial = at(work, pass->dweights);
  float *gradient = at(work, pass->dsource);
  const int all_rows = taps * pass->source_in;
  int from, to;
  panels_of_part(work, all_rows, &from, &to); /* by rows of the kernel: they are not split */
  for (int row = from; row < to; row++) {
    const int tap = row / pass->source_in, channel = row % pass->source_in;
    float *out = gradient + (long)row * pass->source_out;
    if (channel >= cin) {
      memset(out, 0, (size_t)pass->source_out * 4);
      continue;
    }
    const long packed = packed_row(kernel, cin, channel / BLOCK, tap) + channel % BLOCK;
    for (int first = 0; first < cout; first += PANEL) {
      const float *p = partial + (first / PANEL * rows + packed) * PANEL;
      const int width = cout - first < PANEL ? cout - first : PANEL;
      for (int lane = 0; lane < width; lane++) {
        float sum = p[lane];
        for (int chunk = 1; chunk < work->chunks; chunk++) sum += p[chunk * chunk_floats + lane];
        out[first + lane] = sum;
      }
    }
    memset(out + cout, 0, (size_t)(pass->source_out - cout) * 4);
  }
}

#endif
