/*
 * Updates of parameters, a pass each, as trainers/optimizers/ defines them. `scalars`, which the caller sets for each step:
 *
 *   [0] learning rate of the step   [1] decay of the average at this step   [2] beta1^t   [3] beta2^t, t = 1 at the first step
 *
 *             f0             f1               f2                f3                     f4            slot0, slot1
 *   SGD       momentum       weight decay     1: Nesterov       share of the rate                    momentum (0 without)
 *   ADAMW     1 - beta1      1 - beta2        epsilon           share of the rate      weight decay  first and second moment
 *   MUON      muon_momentum  muon_rate/peak   1: partial                                             momentum
 *   AVERAGE   average = decay average + (1 - decay) value
 *
 * The weight decay is 0 for parameters that do not decay; the share is 1 without one. MUON updates a kernel [k, k, in, out] as a
 * matrix of cin = k k in rows and cout columns, with `iterations`; it is done by one thread: let kernels be independent passes.
 */
#ifndef NAS_UPDATES_H
#define NAS_UPDATES_H

#include "dense.h"
#include "matrices.h"
#include <math.h>

enum { SCALAR_RATE, SCALAR_DECAY, SCALAR_POWER1, SCALAR_POWER2, SCALARS };

/* This part's values of a flat array: from <= i < to. */
INLINE void values_of_part(const struct nas_pass *pass, const struct work *work, long *from, long *to) {
  const long vectors = (pass->length + BLOCK - 1) / BLOCK;
  *from = vectors * work->part / work->parts * BLOCK;
  *to = vectors * (work->part + 1) / work->parts * BLOCK;
  if (*to > pass->length) *to = pass->length;
}

/* The next values of p, before i + VL or the end. */
INLINE V next_of(const float *p, long i, long to) { return load_before(p + i, p + to); }
INLINE void set_next(float *p, V v, long i, long to) { store_below(p + i, v, to - i < VL ? (int)(to - i) : VL); }

static inline void sgd(const struct nas_pass *pass, const struct work *work) {
  float *value = at(work, pass->value), *slot = maybe(work, pass->slot0);
  const float *gradient = at(work, pass->gradient);
  const float momentum = float_of(pass->f0), decay = float_of(pass->f1);
  const float rate = at(work, pass->scalars)[SCALAR_RATE] * float_of(pass->f3);
  const int nesterov = float_of(pass->f2) != 0;
  long from, to;
  values_of_part(pass, work, &from, &to);
  for (long i = from; i < to; i += VL) {
    const V w = next_of(value, i, to), g = next_of(gradient, i, to) + w * decay;
    V direction = g;
    if (slot) {
      const V sum = next_of(slot, i, to) * momentum + g;
      set_next(slot, sum, i, to);
      direction = nesterov ? g + sum * momentum : sum;
    }
    set_next(value, w - direction * rate, i, to);
  }
}

/* The bias correction is applied to the rate and to epsilon: see adamw.ts. */
static inline void adamw(const struct nas_pass *pass, const struct work *work) {
  float *value = at(work, pass->value), *first = at(work, pass->slot0), *second = at(work, pass->slot1);
  const float *gradient = at(work, pass->gradient), *scalars = at(work, pass->scalars);
  const float share1 = float_of(pass->f0), share2 = float_of(pass->f1), beta1 = 1 - share1, beta2 = 1 - share2;
  const float correction = sqrtf(1 - scalars[SCALAR_POWER2]), epsilon = correction * float_of(pass->f2);
  const float rate = scalars[SCALAR_RATE] * float_of(pass->f3), shrink = rate * float_of(pass->f4);
  const float corrected = rate * correction / (1 - scalars[SCALAR_POWER1]);
  long from, to;
  values_of_part(pass, work, &from, &to);
  for (long i = from; i < to; i += VL) {
    const V w = next_of(value, i, to), g = next_of(gradient, i, to);
    const V m = next_of(first, i, to) * beta1 + g * share1, v = next_of(second, i, to) * beta2 + g * g * share2;
    set_next(first, m, i, to);
    set_next(second, v, i, to);
    set_next(value, w - w * shrink - m * corrected / (vsqrt(v) + epsilon), i, to);
  }
}

static inline void average(const struct nas_pass *pass, const struct work *work) {
  const float *value = at(work, pass->value);
  float *mean = at(work, pass->average);
  const float decay = at(work, pass->scalars)[SCALAR_DECAY], share = 1 - decay;
  long from, to;
  values_of_part(pass, work, &from, &to);
  for (long i = from; i < to; i += VL) set_next(mean, next_of(mean, i, to) * decay + next_of(value, i, to) * share, i, to);
}

/* The sum of squares of values, of which float sums are short. */
static inline double squares_sum(const float *x, long count) {
  double sum = 0;
  for (long from = 0; from < count; from += 1024) {
    const long to = count - from < 1024 ? count : from + 1024;
    V s = zero();
    for (long i = from; i < to; i += VL) {
      const V v = next_of(x, i, to);
      s += v * v;
    }
    sum += lanes_sum(s);
  }
  return sum;
}

INLINE void add_to_diagonal(const struct panels *m, long size, float x) {
  for (long i = 0; i < size; i++) *cell(m, i, i) += x;
}
INLINE void scale_panels(const struct panels *m, long size, float x) {
  for (long i = 0; i < panels_floats(size, size); i += VL) store(m->values + i, load(m->values + i) * x);
}

/*
 * newton-schulz.ts: the factor that orthogonalises a matrix, from the products of its shorter side; in steps[0] or [1].
 * grams, spare: changed.
 */
static inline const struct panels *newton_schulz(struct panels *grams, struct panels *spare, struct panels factors[2],
                                                 struct panels *step, long size, int iterations, double scale) {
  const double a = 3.4445, b = -4.775, c = 2.0315, root = sqrt(c), shift = b / (2 * root), rest = a - shift * shift;
  double trace = 0;
  for (long i = 0; i < size; i++) trace += *cell(grams, i, i);
  const double norm = (trace + 1e-14) / root, share = scale / sqrt(trace + 1e-14);
  scale_panels(grams, size, (float)(1 / norm));
  int now = 0;
  for (int i = 1; i <= iterations; i++) {
    memcpy(spare->values, grams->values, (size_t)panels_floats(size, size) * 4);
    add_to_diagonal(spare, size, (float)shift);
    multiply(spare, spare, step, size);
    add_to_diagonal(step, size, (float)rest);
    if (i == 1) {
      memcpy(factors[0].values, step->values, (size_t)panels_floats(size, size) * 4);
      scale_panels(&factors[0], size, (float)share);
    } else {
      multiply(step, &factors[now], &factors[1 - now], size);
      now = 1 - now;
    }
    if (i == iterations) break;
    multiply(grams, step, spare, size);
    multiply(step, spare, grams, size);
  }
  return &factors[now];
}

INLINE long shorter_side(const struct nas_pass *pass) { return pass->cin < pass->cout ? pass->cin : pass->cout; }
INLINE long longer_side(const struct nas_pass *pass) { return pass->cin < pass->cout ? pass->cout : pass->cin; }

static inline int64_t muon_scratch(const struct nas_pass *pass) {
  const long size = shorter_side(pass);
  return panels_floats(longer_side(pass), size) + 5 * panels_floats(size, size);
}

/* Nesterov's direction into panels of a tall matrix (muon.ts), and the momentum's step; whether a gradient is not 0. */
static inline int muon_direction(const struct nas_pass *pass, const struct work *work, const struct panels *tall) {
  const float *gradient = at(work, pass->gradient), momentum = float_of(pass->f0), share = momentum * momentum / (1 + momentum);
  float *slot = at(work, pass->slot0);
  const int wide = pass->cin <= pass->cout;
  int any = 0;
  memset(tall->values, 0, (size_t)panels_floats(longer_side(pass), shorter_side(pass)) * 4);
  for (long row = 0, i = 0; row < pass->cin; row++)
    for (long column = 0; column < pass->cout; column++, i++) {
      *(wide ? cell(tall, column, row) : cell(tall, row, column)) = slot[i] * share + gradient[i];
      slot[i] = slot[i] * momentum + gradient[i];
      any |= gradient[i] != 0;
    }
  return any;
}

/* A kernel is scaled to the norm sqrt(out), then steps by the orthogonalised direction. */
static inline void muon(const struct nas_pass *pass, const struct work *work) {
  if (work->part != 0) return;
  const long size = shorter_side(pass), length = longer_side(pass);
  const int wide = pass->cin <= pass->cout;
  float *value = at(work, pass->value), *free = work->scratch;
  struct panels tall = panels_at(&free, length, size), grams = panels_at(&free, size, size), spare = panels_at(&free, size, size);
  struct panels step = panels_at(&free, size, size), factors[2] = {panels_at(&free, size, size), panels_at(&free, size, size)};
  const int steps = muon_direction(pass, work, &tall) || float_of(pass->f2) == 0;
  const float scale = (float)sqrt(pass->cout / (squares_sum(value, (long)pass->cin * pass->cout) + 1e-14));
  for (long i = 0; i < (long)pass->cin * pass->cout; i++) value[i] *= scale;
  if (!steps) return;
  memset(grams.values, 0, (size_t)panels_floats(size, size) * 4);
  columns_products(&tall, &grams, length, size);
  const double rate = (double)at(work, pass->scalars)[SCALAR_RATE] * float_of(pass->f1);
  const struct panels *factor = newton_schulz(&grams, &spare, factors, &step, size, pass->iterations, rate);
  float tile[ROWS * PANEL];
  for (long panel = 0; panel * PANEL < size; panel++)
    for (long from = 0; from < length; from += ROWS) {
      panel_product(&tall, factor, size, from, panel, tile);
      for (long i = 0; i < ROWS && from + i < length; i++)
        for (long j = 0; j < PANEL && panel * PANEL + j < size; j++) {
          const long row = from + i, column = panel * PANEL + j;
          value[wide ? column * pass->cout + row : row * pass->cout + column] -= tile[i * PANEL + j];
        }
    }
}

#endif
