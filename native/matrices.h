/* Products of matrices in panels: float [panels][rows][PANEL], zeros in lanes without a column. */
#ifndef NAS_MATRICES_H
#define NAS_MATRICES_H

#include "gemm.h"

/* A matrix in panels; rows are a multiple of ROWS, with zeros in those that are no rows of the matrix. */
struct panels {
  float *values;
  long rows;
};

INLINE long up_to(long count, long multiple) { return (count + multiple - 1) / multiple * multiple; }
INLINE long panels_floats(long rows, long columns) { return up_to(rows, ROWS) * up_to(columns, PANEL); }
INLINE struct panels panels_at(float **free, long rows, long columns) {
  const struct panels m = {*free, up_to(rows, ROWS)};
  *free += panels_floats(rows, columns);
  return m;
}
INLINE float *cell(const struct panels *m, long row, long column) {
  return m->values + (column / PANEL * m->rows + row) * PANEL + column % PANEL;
}

/* c[i][j] += sum over k of a[i * row + k * step] b[k * PANEL + j * VL]. ROWS and PV are constants: c stays in registers. */
INLINE void panel_chunk(V c[ROWS][PV], const float *a, long row, long step, long length, const float *b) {
  for (long k = 0; k < length; k++, a += step, b += PANEL) {
    V w[PV];
#pragma GCC unroll 4
    for (int j = 0; j < PV; j++) w[j] = load(b + j * VL);
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; i++) {
      const V x = all(a[i * row]);
#pragma GCC unroll 4
      for (int j = 0; j < PV; j++) c[i][j] += x * w[j];
    }
  }
}

INLINE void clear_tile(V c[ROWS][PV]) {
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < PV; j++) c[i][j] = zero();
}
INLINE void store_panel_tile(float *to, V c[ROWS][PV]) {
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < PV; j++) store(to + i * PANEL + j * VL, c[i][j]);
}

/* Rows from <= i < from + ROWS of a panel of a b, where a has `inner` columns; to [ROWS][PANEL]. */
static inline void panel_product(const struct panels *a, const struct panels *b, long inner, long from, long panel, float *to) {
  V c[ROWS][PV];
  clear_tile(c);
  for (long k = 0; k < inner; k += PANEL)
    panel_chunk(c, cell(a, from, k), PANEL, 1, inner - k < PANEL ? inner - k : PANEL, cell(b, k, panel * PANEL));
  store_panel_tile(to, c);
}

/* Copies a symmetric matrix's values from above the diagonal panels to below them. */
static inline void complete(const struct panels *m, long size) {
  for (long panel = 0; panel * PANEL < size; panel++)
    for (long row = (panel + 1) * PANEL; row < size; row++) {
      float *to = cell(m, row, panel * PANEL);
      const float *from = cell(m, panel * PANEL, row);
      for (long j = 0; j < PANEL; j++) to[j] = from[j * PANEL];
    }
}

/* out = a b, for square matrices of `size` whose product is symmetric: the half of it is computed. */
static inline void multiply(const struct panels *a, const struct panels *b, const struct panels *out, long size) {
  for (long panel = 0; panel * PANEL < size; panel++)
    for (long from = 0; from < size && from < (panel + 1) * PANEL; from += ROWS)
      panel_product(a, b, size, from, panel, cell(out, from, panel * PANEL));
  complete(out, size);
}

/* out = the products of the `columns` columns of a matrix of `rows` rows: its transpose times itself. */
static inline void columns_products(const struct panels *a, const struct panels *out, long rows, long columns) {
  /* The last tile of a panel ends with it: some of its rows are computed twice, none is outside. */
  for (long panel = 0; panel * PANEL < columns; panel++)
    for (long from = 0; from <= panel * PANEL; from += PANEL)
      for (long lane = 0; lane < PANEL && from + lane < out->rows; lane += ROWS) {
        const long begin = lane + ROWS <= PANEL ? lane : PANEL - ROWS;
        V c[ROWS][PV];
        clear_tile(c);
        panel_chunk(c, cell(a, 0, from) + begin, 1, PANEL, rows, cell(a, 0, panel * PANEL));
        float tile[ROWS * PANEL];
        store_panel_tile(tile, c);
        for (long i = 0; i < ROWS && from + begin + i < out->rows; i++)
          memcpy(cell(out, from + begin + i, panel * PANEL), tile + i * PANEL, PANEL * 4);
      }
  complete(out, columns);
}

#endif
