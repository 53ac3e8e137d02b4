/* Tiles of pixels, and where the values of a product over one go: stored or through the sink, with their sums. */
#ifndef NAS_FINISH_H
#define NAS_FINISH_H

#include "gemm.h"
#include "maps.h"

/*
 * A pass walks the pixels of its images in tiles. A tile holds up to `size` pixels, of one image or of several small ones, in
 * scratch: float [blocks][size + 1][16] (one more pixel: planes of 4 KiB would share their places in the cache).
 */
struct tile {
  const struct work *work;
  long pixels; /* of an image */
  long start;  /* the first pixel, counted from the work's first image */
  int count;
};

/* Neighbouring pixels of a tile that lie in one image. */
struct run {
  int image, at, count; /* `at`: the first one's place in the tile */
  long from;            /* and in its image */
};

INLINE struct run run_at(const struct tile *tile, int at) {
  const long p = tile->start + at, image = p / tile->pixels, from = p - image * tile->pixels;
  const long rest = tile->pixels - from, most = tile->count - at;
  return (struct run){tile->work->first + (int)image, at, (int)(rest < most ? rest : most), from};
}

/* Maps at the places of the next tile, to be fetched while this one is computed. */
struct ahead {
  const float *from[3]; /* their first pixels; NULL after the last one */
  long plane;           /* floats from block to block; small images lie one after another */
};

INLINE void fetch_ahead(const struct ahead *ahead, int block, int at, const int rows) {
  for (int m = 0; m < 3 && ahead->from[m]; m++) {
    const float *next = ahead->from[m] + block * ahead->plane + (long)at * BLOCK;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) __builtin_prefetch(next + i * BLOCK, 0, 2);
  }
}

/* Maps of the same shape, by their offsets (0: none), where a tile after this one begins; none after the batch's last tile. */
static inline struct ahead ahead_of(const struct tile *tile, int size, int blocks, int32_t a, int32_t b, int32_t c) {
  struct ahead ahead = {.plane = (tile->pixels < size ? size : tile->pixels) * BLOCK};
  const int32_t maps[3] = {a, b, c};
  const long next = tile->start + tile->count, image = tile->work->first + next / tile->pixels;
  if (image >= tile->work->images) return ahead;
  for (int m = 0, n = 0; m < 3; m++)
    if (maps[m])
      ahead.from[n++] = plane(tile->work, maps[m], (int)image, blocks, 0, tile->pixels) + next % tile->pixels * BLOCK;
  return ahead;
}

/* What happens to the values of a product. */
enum { STORE, SINK };
struct finish {
  float *out; /* the map that is written; the others have its shape */
  long image, plane; /* floats from image to image and from block to block */
  const float *slope; /* tile of slopes, or NULL */
  const float *read;  /* tile of what was read, or NULL; the slope is 1 where it is above 0 and below `top`, else 0 */
  float top;
  long tile_plane;
  const float *add0, *add1, *z0, *z1; /* maps, or NULL */
  int adds;                           /* to what `out` holds */
  float *sums;                        /* of the tile: [s0, q0, s1, q1][lanes], or NULL */
  long lanes;
  struct ahead ahead;
};

/* Adds sums of c, and of c z, to those of a vector of channels. z: the map's first pixel, or NULL for c itself. */
INLINE void finish_sums(float *sums, long lanes, V c[MOST_ROWS][MOST_VECTORS], const int rows, const int j, const float *z) {
  V s = load(sums), q = load(sums + lanes);
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    s += c[i][j];
    q += c[i][j] * (z ? load(z + i * BLOCK) : c[i][j]);
  }
  store(sums, s);
  store(sums + lanes, q);
}

/* Finishes the pixels at `at` of the tile, `offset` of their image's map: nv vectors were computed, `stored` are stored. */
INLINE void finish_rows(const struct finish *f, V c[MOST_ROWS][MOST_VECTORS], const int rows, const int nv, const int stored,
                        int vector, int at, long offset, const int kind) {
#pragma GCC unroll 4
  for (int j = 0; j < stored; j++) {
    const int block = (vector + j) / BV, lane = (vector + j) % BV * VL;
    const long to = offset + block * f->plane + lane;
    if (j >= nv) {
#pragma GCC unroll 16
      for (int i = 0; i < rows; i++) store(f->out + to + i * BLOCK, zero());
      continue;
    }
    if (kind == SINK) {
      const long in_tile = block * f->tile_plane + (long)at * BLOCK + lane;
      if (f->read) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) c[i][j] = between(load(f->read + in_tile + i * BLOCK), all(f->top), c[i][j]);
      }
      if (f->slope) {
        const float *slope = f->slope + in_tile;
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) c[i][j] *= load(slope + i * BLOCK);
      }
      if (f->adds) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) c[i][j] += load(f->out + to + i * BLOCK);
      }
      if (f->add0) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) c[i][j] += load(f->add0 + to + i * BLOCK);
      }
      if (f->add1) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) c[i][j] += load(f->add1 + to + i * BLOCK);
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) store(f->out + to + i * BLOCK, c[i][j]);
    float *sums = f->sums + (vector + j) * VL;
    if (kind == STORE) {
      if (f->sums) finish_sums(sums, f->lanes, c, rows, j, 0);
    } else {
      if (f->z0) finish_sums(sums, f->lanes, c, rows, j, f->z0 + to);
      if (f->z1) finish_sums(sums + 2 * f->lanes, f->lanes, c, rows, j, f->z1 + to);
    }
  }
}

/* The same for `count` pixels that may lie in several images; values: [pixel][stored vectors]. */
static __attribute__((noinline)) void finish_pixels(const struct finish *f, const struct tile *tile, const float *values,
                                                    int count, int nv, int stored, int vector, int at, int kind) {
  for (int i = 0; i < count; i++) {
    const struct run run = run_at(tile, at + i);
    const long offset = run.image * f->image + run.from * BLOCK;
    for (int j = 0; j < stored; j++) {
      V c[MOST_ROWS][MOST_VECTORS];
      c[0][0] = load(values + (i * stored + j) * VL);
      if (j >= nv) c[0][0] = zero();
      if (kind == STORE) finish_rows(f, c, 1, 1, 1, vector + j, at + i, offset, STORE);
      else finish_rows(f, c, 1, 1, 1, vector + j, at + i, offset, SINK);
    }
  }
}

/* Begins the sums of a tile, and adds them to partial ones [2][lanes] at its end. */
INLINE void begin_sums(const struct finish *f, int rows) {
  if (f->sums) memset(f->sums, 0, (size_t)(rows * f->lanes) * 4);
}
INLINE void end_sums(const struct finish *f, int row, float *partial) {
  if (partial == 0) return;
  for (long l = 0; l < 2 * f->lanes; l += VL) store(partial + l, load(partial + l) + load(f->sums + row * f->lanes + l));
}

#endif
