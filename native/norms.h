/* Batch norms, from sums to the vectors that readers and gradients use. All have `cout` channels. */
#ifndef NAS_NORMS_H
#define NAS_NORMS_H

#include "maps.h"
#include <math.h>

/* The sum over chunks of a partial array at one place, in the chunks' order. */
INLINE double chunks_sum(const struct work *work, const float *partial, long floats, long place) {
  double sum = 0;
  for (int chunk = 0; chunk < work->chunks; chunk++) sum += partial[chunk * floats + place];
  return sum;
}

/*
 * A variance from sums is the difference of two numbers, whose rounding stays. Below this share of the mean square, where it
 * would show, the values of the channel are read again.
 */
#define CANCELLED (1. / 256)

/* The moments of values from those of their differences from a value near their mean. */
struct moments { double mean, variance; };
INLINE struct moments moments_near(double near, double sum, double squares, double count) {
  const double mean = sum / count, variance = squares / count - mean * mean;
  return (struct moments){near + mean, variance > 0 ? variance : 0};
}

/* The moments of channel c of a map. */
static __attribute__((noinline)) struct moments channel_moments(const struct work *work, int32_t map, int blocks, int c,
                                                                long pixels, double near) {
  double sum = 0, squares = 0;
  for (int n = 0; n < work->images; n++) {
    const float *y = plane(work, map, n, blocks, c / BLOCK, pixels) + c % BLOCK;
    for (long p = 0; p < pixels; p++) {
      const double difference = y[p * BLOCK] - near;
      sum += difference, squares += difference * difference;
    }
  }
  return moments_near(near, sum, squares, (double)work->images * (double)pixels);
}

/* Scale and shift [2][padded] of channel c; 0 for lanes without a channel. */
INLINE void set_norm(float *norm, int padded, int c, double scale, double shift) {
  norm[c] = (float)scale;
  norm[padded + c] = (float)shift;
}

/* The share of a value in the batch's statistics; 0 where they are constants. */
INLINE double share_of(const struct nas_pass *pass, const struct work *work) {
  return pass->count ? 1 / ((double)work->images * pass->count) : 0;
}

/* y_sums to stats, x_norm and the moving statistics (biased variance: moving -= (moving - batch) (1 - momentum)). */
static inline void norm_forward(const struct nas_pass *pass, const struct work *work) {
  const int blocks = blocks_of(pass->cout), padded = blocks * BLOCK;
  const float *sums = at(work, pass->y_sums), *gamma = at(work, pass->gamma), *beta = at(work, pass->beta);
  float *stats = at(work, pass->stats), *to = at(work, pass->x_norm);
  float *moving_mean = maybe(work, pass->moving_mean), *moving_variance = maybe(work, pass->moving_variance);
  const double count = (double)work->images * pass->count, epsilon = float_of(pass->epsilon);
  const float share = 1 - float_of(pass->momentum);
  const int end = blocks * (work->part + 1) / work->parts * BLOCK;
  for (int c = blocks * work->part / work->parts * BLOCK; c < end; c++) {
    if (c >= pass->cout) {
      stats[c] = stats[padded + c] = to[c] = to[padded + c] = 0;
      continue;
    }
    const double sum = chunks_sum(work, sums, 2L * padded, c), squares = chunks_sum(work, sums, 2L * padded, padded + c);
    struct moments own = moments_near(0, sum, squares, count);
    if (pass->y && own.variance < squares / count * CANCELLED)
      own = channel_moments(work, pass->y, blocks, c, pass->count, own.mean);
    const double inverse = 1 / sqrt(own.variance + epsilon);
    stats[c] = (float)own.mean;
    stats[padded + c] = (float)inverse;
    set_norm(to, padded, c, gamma[c] * inverse, beta[c] - own.mean * (gamma[c] * inverse));
    if (moving_mean) moving_mean[c] -= (moving_mean[c] - (float)own.mean) * share;
    if (moving_variance) moving_variance[c] -= (moving_variance[c] - (float)own.variance) * share;
  }
}

/* The moving statistics to x_norm, and to the stats that NORM_BACKWARD reads with a count of 0. */
static inline void norm_inference(const struct nas_pass *pass, const struct work *work) {
  const int blocks = blocks_of(pass->cout), padded = blocks * BLOCK;
  const float *gamma = at(work, pass->gamma), *beta = at(work, pass->beta);
  const float *mean = at(work, pass->moving_mean), *variance = at(work, pass->moving_variance);
  float *stats = maybe(work, pass->stats);
  const double epsilon = float_of(pass->epsilon);
  const int end = blocks * (work->part + 1) / work->parts * BLOCK;
  for (int c = blocks * work->part / work->parts * BLOCK; c < end; c++) {
    const int own = c < pass->cout ? c : 0;
    const double inverse = c < pass->cout ? 1 / sqrt(variance[own] + epsilon) : 0, scale = gamma[own] * inverse;
    set_norm(at(work, pass->x_norm), padded, c, scale, c < pass->cout ? beta[own] - mean[own] * scale : 0);
    if (stats) set_norm(stats, padded, c, c < pass->cout ? mean[own] : 0, inverse);
  }
}

/*
 * s0, sums of g and of g y, to dgamma, dbeta and g_norm: with n values a channel, xhat = (y - mean) / deviation,
 * dbeta = sum g, dgamma = sum g xhat, dy = gamma / deviation (g - dbeta / n - xhat dgamma / n). With a count of 0, mean and
 * deviation do not depend on y: dy = gamma / deviation g.
 */
static inline void norm_backward(const struct nas_pass *pass, const struct work *work) {
  const int blocks = blocks_of(pass->cout), padded = blocks * BLOCK;
  const float *sums = at(work, pass->s0), *gamma = at(work, pass->gamma), *stats = at(work, pass->stats);
  float *to = at(work, pass->g_norm), *dgamma = maybe(work, pass->dgamma), *dbeta = maybe(work, pass->dbeta);
  const double share = share_of(pass, work);
  const int end = blocks * (work->part + 1) / work->parts * BLOCK;
  for (int c = blocks * work->part / work->parts * BLOCK; c < end; c++) {
    if (c >= pass->cout) {
      to[c] = to[padded + c] = to[2 * padded + c] = 0;
      continue;
    }
    const double mean = stats[c], inverse = stats[padded + c], scale = gamma[c] * inverse;
    const double sum = chunks_sum(work, sums, 2L * padded, c);
    const double centred = (chunks_sum(work, sums, 2L * padded, padded + c) - mean * sum) * inverse;
    const double slope = -scale * inverse * centred * share;
    to[c] = (float)scale;
    to[padded + c] = (float)slope;
    to[2 * padded + c] = (float)(-scale * sum * share - slope * mean);
    if (dgamma) dgamma[c] = (float)centred;
    if (dbeta) dbeta[c] = (float)sum;
  }
}

#endif
