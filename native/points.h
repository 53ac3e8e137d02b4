/* Sums of maps with their moments, global pools, and gradients that pass through no convolution. */
#ifndef NAS_POINTS_H
#define NAS_POINTS_H

#include "maps.h"

/* Pixels of a tile: a few tiles of a block fit the first cache. */
enum { POINTS = 64, POINT_FLOATS = POINTS * BLOCK };

/* Rows of a register tile of second moments, of one block by one block. */
#if VL == 16
#define MOMENT_ROWS 16
#else
#define MOMENT_ROWS 4
#endif

/* to[i * pitch + j] += sum over p of a[p][i] b[p][j], for 16 x 16 values and `count` pixels: sums of two levels. */
static inline void add_moments(float *to, long pitch, const float *a, const float *b, long count) {
  for (int row = 0; row < BLOCK; row += MOMENT_ROWS) {
    V c[MOMENT_ROWS][BV];
    for (int i = 0; i < MOMENT_ROWS; i++)
      for (int j = 0; j < BV; j++) c[i][j] = zero();
    for (long p = 0; p < count; p++) {
      V v[BV];
#pragma GCC unroll 4
      for (int j = 0; j < BV; j++) v[j] = load(b + p * BLOCK + j * VL);
#pragma GCC unroll 16
      for (int i = 0; i < MOMENT_ROWS; i++) {
        const V x = all(a[p * BLOCK + row + i]);
#pragma GCC unroll 4
        for (int j = 0; j < BV; j++) c[i][j] += x * v[j];
      }
    }
    for (int i = 0; i < MOMENT_ROWS; i++)
      for (int j = 0; j < BV; j++) {
        float *sum = to + (row + i) * pitch + j * VL;
        store(sum, load(sum) + c[i][j]);
      }
  }
}

/* Adds the sums of [count][16] values to 16 sums. */
static inline void add_points(float *sums, const float *y, long count) {
  for (int v = 0; v < BLOCK; v += VL) {
    V s = zero();
    for (long p = v; p < count * BLOCK; p += BLOCK) s += load(y + p);
    store(sums + v, load(sums + v) + s);
  }
}

/* Zeros in the lanes of [count][16] values that have no channel: some activations of 0 are not 0. */
static inline void clear_lanes(float *y, long count, int lanes) {
  for (long p = 0; p < count; p++)
    for (int lane = lanes; lane < BLOCK; lane++) y[p * BLOCK + lane] = 0;
}

/* y = read(x) + read(x2) of some pixels of one block. */
INLINE void sum_rows(const struct nas_pass *pass, const struct work *work, int image, int block, long from, long count, float *y) {
  const int blocks = blocks_of(pass->cin);
  const long pixels = (long)pass->h * pass->w;
  float first[POINT_FLOATS], second[POINT_FLOATS];
  const struct reading x = input_of(work, pass, image, block);
  read_rows(&x, from, count, first, 0);
  if (pass->x2 != 0) {
    const struct reading x2 = reading_of(work, pass->x2, pass->x2_norm, pass->x2_act, 0, image, blocks, block, pixels);
    read_rows(&x2, from, count, second, 0);
    for (long p = 0; p < count * BLOCK; p += VL) store(y + p, load(first + p) + load(second + p));
  } else {
    memcpy(y, first, (size_t)count * BLOCK * 4);
  }
  if (pass->cin - block * BLOCK < BLOCK) clear_lanes(y, count, pass->cin - block * BLOCK);
}

/* The moments of pixels of an image; pairs of blocks below the diagonal are left out. */
static inline void image_moments(float *moments, const float *y, int blocks, long pixels, long from, long count) {
  const long pitch = (long)blocks * BLOCK;
  for (int b = 0; b < blocks; b++) {
    const float *own = y + (b * pixels + from) * BLOCK;
    add_points(moments + b * BLOCK, own, count);
    for (int other = b; other < blocks; other++)
      add_moments(moments + (1 + b * BLOCK) * pitch + other * BLOCK, pitch, own, y + (other * pixels + from) * BLOCK, count);
  }
}

/* Copies a square matrix's values above the diagonal to below it. */
static inline void mirror(float *matrix, long size) {
  for (long i = 1; i < size; i++)
    for (long j = 0; j < i; j++) matrix[i * size + j] = matrix[j * size + i];
}

static inline void sum_forward(const struct nas_pass *pass, const struct work *work) {
  const int blocks = blocks_of(pass->cin);
  const long pixels = (long)pass->h * pass->w, padded = (long)blocks * BLOCK, floats = (1 + padded) * padded;
  float *sums = partial_sums(work, pass->y_sums, pass->cin);
  float *moments = pass->moments == 0 ? 0 : at(work, pass->moments) + work->part * floats;
  if (moments && work->begins) memset(moments, 0, (size_t)floats * 4);
  for (int n = work->first; n < work->last; n++) {
    float *y = plane(work, pass->y, n, blocks, 0, pixels);
    for (long from = 0; from < pixels; from += POINTS) {
      const long count = pixels - from < POINTS ? pixels - from : POINTS;
      for (int b = 0; b < blocks; b++) {
        float *own = y + (b * pixels + from) * BLOCK;
        sum_rows(pass, work, n, b, from, count, own);
        if (sums) add_sums(sums + b * BLOCK, sums + padded + b * BLOCK, own, own, count);
      }
      if (moments) image_moments(moments, y, blocks, pixels, from, count);
    }
  }
  const int64_t end = (int64_t)work->images * (work->part + 1) / work->parts;
  if (moments && work->last == end) mirror(moments + padded, padded);
}

/* Adds what a block's pixels are read as to 16 sums. */
static inline void add_read(const struct reading *reading, long pixels, float *sums) {
  float tile[POINT_FLOATS];
  for (long from = 0; from < pixels; from += POINTS) {
    const long count = pixels - from < POINTS ? pixels - from : POINTS;
    read_rows(reading, from, count, tile, 0);
    add_points(sums, tile, count);
  }
}

static inline void pool_forward(const struct nas_pass *pass, const struct work *work) {
  const long pixels = (long)pass->h * pass->w;
  for (int n = work->first; n < work->last; n++)
    for (int b = 0; b < blocks_of(pass->cin); b++) {
      float sums[BLOCK] = {0};
      const struct reading reading = input_of(work, pass, n, b);
      add_read(&reading, pixels, sums);
      float *y = at(work, pass->y) + (long)n * pass->cin + b * BLOCK;
      for (int c = 0; c < BLOCK && b * BLOCK + c < pass->cin; c++) y[c] = sums[c] / (float)pixels;
    }
}

/* Whether gx, at the output of x's norm, differs from the gradient of what is read. */
INLINE int has_slope(const struct nas_pass *pass) { return pass->x_act != ACT_NONE && pass->x_gate == 0; }

static inline void pool_backward(const struct nas_pass *pass, const struct work *work) {
  const struct sink sink = sink_of(work, pass);
  const long pixels = (long)pass->h * pass->w;
  float d[POINT_FLOATS], read[POINT_FLOATS], slope[POINT_FLOATS];
  for (int n = work->first; n < work->last; n++)
    for (int b = 0; b < blocks_of(pass->cin); b++) {
      const float *g = at(work, pass->g) + (long)n * pass->cin + b * BLOCK;
      for (int c = 0; c < BLOCK; c++) d[c] = b * BLOCK + c < pass->cin ? g[c] / (float)pixels : 0;
      for (long p = BLOCK; p < (pixels < POINTS ? pixels : POINTS) * BLOCK; p += VL) store(d + p, load(d + p - BLOCK));
      const struct reading reading = input_of(work, pass, n, b);
      for (long from = 0; from < pixels; from += POINTS) {
        const long count = pixels - from < POINTS ? pixels - from : POINTS;
        if (has_slope(pass)) read_rows(&reading, from, count, read, slope);
        sink_rows(&sink, n, b, from, count, d, has_slope(pass) ? slope : 0);
      }
    }
}

/* The map in TF.js's layout: what reads it is no part of the library. */
static inline void map_forward(const struct nas_pass *pass, const struct work *work) {
  const long pixels = (long)pass->h * pass->w;
  float tile[POINT_FLOATS];
  for (int n = work->first; n < work->last; n++)
    for (int b = 0; b < blocks_of(pass->cin); b++) {
      const struct reading reading = input_of(work, pass, n, b);
      const int lanes = pass->cin - b * BLOCK < BLOCK ? pass->cin - b * BLOCK : BLOCK;
      for (long from = 0; from < pixels; from += POINTS) {
        const long count = pixels - from < POINTS ? pixels - from : POINTS;
        read_rows(&reading, from, count, tile, 0);
        float *y = at(work, pass->y) + (n * pixels + from) * pass->cin + b * BLOCK;
        for (long p = 0; p < count; p++) memcpy(y + p * pass->cin, tile + p * BLOCK, (size_t)lanes * 4);
      }
    }
}

static inline void map_backward(const struct nas_pass *pass, const struct work *work) {
  const struct sink sink = sink_of(work, pass);
  const long pixels = (long)pass->h * pass->w;
  float d[POINT_FLOATS], read[POINT_FLOATS], slope[POINT_FLOATS];
  for (int n = work->first; n < work->last; n++)
    for (int b = 0; b < blocks_of(pass->cin); b++) {
      const struct reading reading = input_of(work, pass, n, b);
      const int lanes = pass->cin - b * BLOCK < BLOCK ? pass->cin - b * BLOCK : BLOCK;
      memset(d, 0, sizeof d);
      for (long from = 0; from < pixels; from += POINTS) {
        const long count = pixels - from < POINTS ? pixels - from : POINTS;
        const float *g = at(work, pass->g) + (n * pixels + from) * pass->cin + b * BLOCK;
        for (long p = 0; p < count; p++) memcpy(d + p * BLOCK, g + p * pass->cin, (size_t)lanes * 4);
        if (has_slope(pass)) read_rows(&reading, from, count, read, slope);
        sink_rows(&sink, n, b, from, count, d, has_slope(pass) ? slope : 0);
      }
    }
}

static inline void pass_backward(const struct nas_pass *pass, const struct work *work) {
  const struct sink sink = sink_of(work, pass);
  const long pixels = (long)pass->h * pass->w;
  float d[POINT_FLOATS], read[POINT_FLOATS], slope[POINT_FLOATS];
  for (int n = work->first; n < work->last; n++)
    for (int b = 0; b < blocks_of(pass->cin); b++)
      for (long from = 0; from < pixels; from += POINTS) {
        const long count = pixels - from < POINTS ? pixels - from : POINTS;
        grad_rows(work, pass, n, b, from, count, d);
        if (has_slope(pass)) {
          const struct reading reading = input_of(work, pass, n, b);
          read_rows(&reading, from, count, read, slope);
        }
        sink_rows(&sink, n, b, from, count, d, has_slope(pass) ? slope : 0);
      }
}

#endif
