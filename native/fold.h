/*
 * The norm of an expansion e = x W, without e: x has the mean m and the covariance C (from its moments). For a column w of W,
 * a channel of e, the mean is m' w and the variance w' C w. The norm is folded into the weights: norm(e) = x (W scale) + shift.
 *
 * Backward, with de the gradient at the norm's output, G = x' de and s the sum of de, over all N pixels of the batch:
 *
 *   dbeta = s, dgamma = (w' G - mean s) / deviation
 *   the gradient of e is  c1 de + c2 e + c3  with
 *     c1 = gamma / deviation, c2 = -c1 dgamma / (deviation N), c3 = -c1 s / N - c2 mean
 *   dW = c1 (G - m s) + N c2 C W
 *   the gradient of x is  de (W c1)', by OP_EXPAND_BACKWARD,  + x (W c2 W') + W c3, by OP_AFFINE
 *
 * Backward with a count of 0, the norm is one of constants: dbeta and dgamma are the same, c2 = c3 = 0, dW = c1 G.
 */
#ifndef NAS_FOLD_H
#define NAS_FOLD_H

#include "norms.h"
#include "pack.h"

/* The geometry of a fold, and its scratch. */
struct fold {
  int cin, expanded, in, out; /* in, out: to whole blocks */
  long panel;                 /* floats of a packed panel */
  double *mean, *row, *square; /* [in] each; square: of the mean square */
  float *covariance;          /* [in + ROWS][in] */
  float *weights, *product;   /* a panel [in][PANEL] of W, and [in + ROWS][PANEL] of C W */
  float *gradient;            /* [panels] packed panels: the sum of the partial gradients */
  float *c1, *c2, *c3, *sum, *ratio; /* [out] each; ratio: c2 / c1 */
  float *left;                /* [ROWS][out]: rows of W ratio */
  long floats;
};

static struct fold fold_backward_of(const struct nas_pass *pass, struct fold f, float *scratch) {
  f.gradient = take(scratch, &f.floats, panels_of(pass->expanded) * f.panel);
  f.c1 = take(scratch, &f.floats, f.out);
  f.c2 = take(scratch, &f.floats, f.out);
  f.c3 = take(scratch, &f.floats, f.out);
  f.sum = take(scratch, &f.floats, f.out);
  f.ratio = take(scratch, &f.floats, f.out);
  f.left = take(scratch, &f.floats, ROWS * (long)f.out);
  return f;
}

static struct fold fold_of(const struct nas_pass *pass, float *scratch) {
  struct fold f = {.cin = pass->cin, .expanded = pass->expanded, .in = blocks_of(pass->cin) * BLOCK,
                   .out = blocks_of(pass->expanded) * BLOCK, .panel = rows_of(1, pass->cin) * PANEL};
  f.weights = take(scratch, &f.floats, (long)f.in * PANEL);
  if (pass->op == OP_EXPAND_FOLD_INFERENCE) return f;
  if (pass->count == 0) return fold_backward_of(pass, f, scratch);
  f.mean = (double *)(void *)take(scratch, &f.floats, 2 * f.in);
  f.row = (double *)(void *)take(scratch, &f.floats, 2 * f.in);
  f.square = (double *)(void *)take(scratch, &f.floats, 2 * f.in);
  f.covariance = take(scratch, &f.floats, (long)(f.in + ROWS) * f.in);
  f.product = take(scratch, &f.floats, (long)(f.in + ROWS) * PANEL);
  return pass->op == OP_EXPAND_FOLD ? f : fold_backward_of(pass, f, scratch);
}

static inline int64_t fold_scratch(const struct nas_pass *pass) { return fold_of(pass, 0).floats; }

/* The mean and the covariance of x, in double: their difference may be small. */
static inline void fold_moments(const struct fold *f, const struct nas_pass *pass, const struct work *work) {
  const double share = share_of(pass, work);
  const long floats = (1L + f->in) * f->in;
  for (int i = -1; i < f->in; i++) {
    const float *moments = at(work, pass->moments) + (1L + i) * f->in;
    for (int j = 0; j < f->in; j++) f->row[j] = moments[j];
    for (int chunk = 1; chunk < work->chunks; chunk++)
      for (int j = 0; j < f->in; j++) f->row[j] += moments[chunk * floats + j];
    if (i < 0) {
      for (int j = 0; j < f->in; j++) f->mean[j] = f->row[j] * share;
    } else {
      f->square[i] = f->row[i] * share;
      for (int j = 0; j < f->in; j++)
        f->covariance[(long)i * f->in + j] = (float)(f->row[j] * share - f->mean[i] * f->mean[j]);
    }
  }
  memset(f->covariance + (long)f->in * f->in, 0, (size_t)(ROWS * f->in) * 4);
}

/* A panel of W, and of the product of the covariance with it where there is one. */
static inline void fold_panel(const struct fold *f, const struct nas_pass *pass, const struct work *work, int panel) {
  const struct source source = {1, f->cin, f->expanded, 1, pass->e_source_in, pass->e_source_out, 1, 0};
  pack_panel(at(work, pass->e_source), &source, panel, f->weights);
  if (f->covariance == 0) return;
  for (int i = 0; i < f->cin; i += ROWS) {
    V c[ROWS][PV];
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
      for (int j = 0; j < PV; j++) c[r][j] = zero();
    product_chunk(c, PV, f->covariance + (long)i * f->in, f->in, f->cin, f->weights);
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
      for (int j = 0; j < PV; j++) store(f->product + (i + r) * PANEL + j * VL, c[r][j]);
  }
}

/* Writes a panel of W with its scale for both directions, and the norm. */
static inline void fold_write(const struct fold *f, const struct nas_pass *pass, const struct work *work, int panel,
                              const double *scale, const double *shift) {
  const int first = panel * PANEL, width = f->expanded - first < PANEL ? f->expanded - first : PANEL;
  float *to = at(work, pass->e_weights) + panel * f->panel, *norm = at(work, pass->e_norm), scales[PANEL] = {0};
  for (int lane = 0; lane < PANEL && first + lane < f->out; lane++) {
    set_norm(norm, f->out, first + lane, lane < width ? scale[lane] : 0, lane < width ? shift[lane] : 0);
    scales[lane] = norm[first + lane];
  }
  for (int c = 0; c < f->cin; c++)
    for (int j = 0; j < PANEL; j += VL) store(to + c * PANEL + j, load(f->weights + c * PANEL + j) * load(scales + j));
  if (pass->e_weights_back == 0) return;
  for (int other = 0; other < panels_of(f->cin); other++) {
    float *back = at(work, pass->e_weights_back) + (other * rows_of(1, f->expanded) + first) * PANEL;
    const int from = other * PANEL, channels = f->cin - from < PANEL ? f->cin - from : PANEL;
    for (int lane = 0; lane < width; lane++, back += PANEL) {
      for (int c = 0; c < channels; c++) back[c] = to[(from + c) * PANEL + lane];
      for (int c = channels; c < PANEL; c++) back[c] = 0;
    }
  }
}

/* The moments of channel `lane` of a panel, from the expanded values themselves. */
static __attribute__((noinline)) struct moments expanded_moments(const struct fold *f, const struct nas_pass *pass,
                                                                 const struct work *work, int lane, double near) {
  double sum = 0, squares = 0;
  for (int n = 0; n < work->images; n++)
    for (long p = 0; p < pass->count; p++) {
      double value = -near;
      for (int c = 0; c < f->cin; c++)
        value += (double)f->weights[c * PANEL + lane] *
                 plane(work, pass->x, n, f->in / BLOCK, c / BLOCK, pass->count)[p * BLOCK + c % BLOCK];
      sum += value, squares += value * value;
    }
  return moments_near(near, sum, squares, (double)work->images * pass->count);
}

static inline void expand_fold(const struct nas_pass *pass, const struct work *work) {
  const struct fold f = fold_of(pass, work->scratch);
  const double epsilon = float_of(pass->epsilon);
  const float share = 1 - float_of(pass->momentum), *gamma = at(work, pass->e_gamma), *beta = at(work, pass->e_beta);
  float *stats = at(work, pass->e_stats), *moving_mean = maybe(work, pass->e_moving_mean);
  float *moving_variance = maybe(work, pass->e_moving_variance);
  int from, to;
  panels_of_part(work, panels_of(f.expanded), &from, &to);
  if (from < to) fold_moments(&f, pass, work);
  for (int panel = from; panel < to; panel++) {
    double mean[PANEL] = {0}, variance[PANEL] = {0}, square[PANEL] = {0}, scale[PANEL] = {0}, shift[PANEL] = {0};
    fold_panel(&f, pass, work, panel);
    for (int c = 0; c < f.cin; c++)
      for (int lane = 0; lane < PANEL; lane++) {
        const double w = f.weights[c * PANEL + lane];
        mean[lane] += w * f.mean[c];
        variance[lane] += w * f.product[c * PANEL + lane];
        square[lane] += w * w * f.square[c];
      }
    for (int lane = 0, e = panel * PANEL; lane < PANEL && e < f.out; lane++, e++) {
      stats[e] = stats[f.out + e] = 0;
      if (e >= f.expanded) continue;
      if (pass->x && variance[lane] < square[lane] * CANCELLED) {
        const struct moments own = expanded_moments(&f, pass, work, lane, mean[lane]);
        mean[lane] = own.mean, variance[lane] = own.variance;
      }
      if (variance[lane] < 0) variance[lane] = 0;
      const double inverse = 1 / sqrt(variance[lane] + epsilon);
      stats[e] = (float)mean[lane];
      stats[f.out + e] = (float)inverse;
      scale[lane] = gamma[e] * inverse;
      shift[lane] = beta[e] - mean[lane] * scale[lane];
      if (moving_mean) moving_mean[e] -= (moving_mean[e] - (float)mean[lane]) * share;
      if (moving_variance) moving_variance[e] -= (moving_variance[e] - (float)variance[lane]) * share;
    }
    fold_write(&f, pass, work, panel, scale, shift);
  }
}

static inline void expand_fold_inference(const struct nas_pass *pass, const struct work *work) {
  const struct fold f = fold_of(pass, work->scratch);
  const double epsilon = float_of(pass->epsilon);
  const float *gamma = at(work, pass->e_gamma), *beta = at(work, pass->e_beta);
  const float *mean = at(work, pass->e_moving_mean), *variance = at(work, pass->e_moving_variance);
  float *stats = maybe(work, pass->e_stats);
  int from, to;
  panels_of_part(work, panels_of(f.expanded), &from, &to);
  for (int panel = from; panel < to; panel++) {
    double scale[PANEL] = {0}, shift[PANEL] = {0};
    fold_panel(&f, pass, work, panel);
    for (int lane = 0, e = panel * PANEL; lane < PANEL && e < f.expanded; lane++, e++) {
      const double inverse = 1 / sqrt(variance[e] + epsilon);
      scale[lane] = gamma[e] * inverse;
      shift[lane] = beta[e] - mean[e] * scale[lane];
      if (stats) set_norm(stats, f.out, e, mean[e], inverse);
    }
    fold_write(&f, pass, work, panel, scale, shift);
  }
}

/* The sums over chunks, and what follows for each channel: c1 to c3 of all channels, gradients of gamma and beta. */
static inline void fold_channels(const struct fold *f, const struct nas_pass *pass, const struct work *work) {
  const double share = share_of(pass, work);
  const float *gamma = at(work, pass->e_gamma), *stats = at(work, pass->e_stats);
  float *dgamma = maybe(work, pass->e_dgamma), *dbeta = maybe(work, pass->e_dbeta);
  const long floats = packed_floats(1, f->cin, f->expanded);
  const float *partial = at(work, pass->e_dweights);
  memcpy(f->gradient, partial, (size_t)floats * 4);
  for (int chunk = 1; chunk < work->chunks; chunk++)
    for (long i = 0; i < floats; i += VL) store(f->gradient + i, load(f->gradient + i) + load(partial + chunk * floats + i));
  for (int panel = 0; panel < panels_of(f->expanded); panel++) {
    const struct source source = {1, f->cin, f->expanded, 1, pass->e_source_in, pass->e_source_out, 1, 0};
    pack_panel(at(work, pass->e_source), &source, panel, f->weights);
    double products[PANEL] = {0};
    for (int c = 0; c < f->cin; c++)
      for (int lane = 0; lane < PANEL; lane++)
        products[lane] += (double)f->weights[c * PANEL + lane] * f->gradient[panel * f->panel + c * PANEL + lane];
    for (int lane = 0, e = panel * PANEL; lane < PANEL && e < f->expanded; lane++, e++) {
      const double mean = stats[e], inverse = stats[f->out + e], scale = gamma[e] * inverse;
      const double sum = chunks_sum(work, at(work, pass->e_sums), f->out, e), centred = (products[lane] - mean * sum) * inverse;
      const double ratio = -inverse * centred * share, slope = scale * ratio;
      f->c1[e] = (float)scale, f->c2[e] = (float)slope, f->sum[e] = (float)sum, f->ratio[e] = (float)ratio;
      f->c3[e] = (float)(-scale * sum * share - slope * mean);
      if (work->part > 0) continue;
      if (dgamma) dgamma[e] = (float)centred;
      if (dbeta) dbeta[e] = (float)sum;
    }
  }
}

/* The gradient of W, in its own layout; zeros where it is not used. */
static inline void fold_gradient(const struct fold *f, const struct nas_pass *pass, const struct work *work) {
  const float count = (float)work->images * (float)pass->count;
  int from, to;
  panels_of_part(work, panels_of(f->expanded), &from, &to);
  if (from < to && pass->count) fold_moments(f, pass, work);
  for (int panel = from; panel < to; panel++) {
    const int first = panel * PANEL, width = f->expanded - first < PANEL ? f->expanded - first : PANEL;
    if (pass->count) fold_panel(f, pass, work, panel);
    for (int c = 0; c < f->cin; c++) {
      const float *g = f->gradient + panel * f->panel + c * PANEL;
      float *out = at(work, pass->e_dsource) + (long)c * pass->e_source_out + first;
      if (pass->count == 0) {
        for (int lane = 0; lane < width; lane++) out[lane] = f->c1[first + lane] * g[lane];
        continue;
      }
      const float mean = (float)f->mean[c], *product = f->product + c * PANEL;
      for (int lane = 0; lane < width; lane++)
        out[lane] = f->c1[first + lane] * (g[lane] - mean * f->sum[first + lane]) + f->c2[first + lane] * count * product[lane];
    }
  }
  if (work->part < work->parts - 1) return;
  for (int c = 0; c < pass->e_source_in; c++) {
    const int used = c < f->cin ? f->expanded : 0;
    memset(at(work, pass->e_dsource) + (long)c * pass->e_source_out + used, 0, (size_t)(pass->e_source_out - used) * 4);
  }
}

/* Rows of W c2 W' = (W ratio) (W c1)', whose right side is e_weights_back, and their values of W c3. */
static inline void fold_affine(const struct fold *f, const struct nas_pass *pass, const struct work *work) {
  float *vector = at(work, pass->affine), *matrix = vector + f->in;
  for (int i = work->part * ROWS; i < f->in; i += work->parts * ROWS) {
    const int rows = f->in - i < ROWS ? f->in - i : ROWS;
    memset(f->left, 0, (size_t)(ROWS * (long)f->out) * 4);
    for (int r = 0; r < rows; r++) {
      const float *source = at(work, pass->e_source) + (long)(i + r) * pass->e_source_out;
      double sum = 0;
      for (int e = 0; i + r < f->cin && e < f->expanded; e++) {
        f->left[r * f->out + e] = source[e] * f->ratio[e];
        sum += (double)source[e] * f->c3[e];
      }
      vector[i + r] = (float)sum;
    }
    for (int panel = 0; panel < panels_of(f->cin); panel++) {
      V c[ROWS][PV];
#pragma GCC unroll 16
      for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int j = 0; j < PV; j++) c[r][j] = zero();
      product_chunk(c, PV, f->left, f->out, f->expanded,
                    at(work, pass->e_weights_back) + panel * rows_of(1, f->expanded) * PANEL);
#pragma GCC unroll 16
      for (int r = 0; r < ROWS; r++) {
        if (r >= rows) break;
#pragma GCC unroll 4
        for (int j = 0; j < PV; j++)
          if (panel * PANEL + j * VL < f->in) store(matrix + (long)(i + r) * f->in + panel * PANEL + j * VL, c[r][j]);
      }
    }
  }
}

static inline void expand_fold_backward(const struct nas_pass *pass, const struct work *work) {
  const struct fold f = fold_of(pass, work->scratch);
  fold_channels(&f, pass, work);
  if (pass->e_dsource) fold_gradient(&f, pass, work);
  if (pass->affine) fold_affine(&f, pass, work);
}

#endif
