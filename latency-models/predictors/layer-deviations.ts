import type { Catalogue } from './catalogue.js';
import type { LayerFeatures } from './layer-features.js';
import { dot } from './regression.js';

/**
 * How much two layers' deviations from the prices of their totals have in common, in [0, 1]: `exact`, only layers of
 * the same configuration do; `near`, also layers of a family whose sizes are within about an octave (squared
 * exponential of the places).
 */
export type Similarity = (
  a: Pick<LayerFeatures, 'key' | 'family' | 'place'>,
  b: Pick<LayerFeatures, 'key' | 'family' | 'place'>,
) => number;

export const similarities = {
  exact: (a, b) => (a.key === b.key ? 1 : 0),
  near: (a, b) => {
    if (a.family !== b.family) return 0;
    let squares = 0;
    for (let i = 0; i < a.place.length; i++) squares += (a.place[i] - b.place[i]) ** 2;
    return Math.exp(-squares / 2);
  },
} as const satisfies Record<string, Similarity>;
export type SimilarityName = keyof typeof similarities;

/** How much each sample has of each layer that deviates, in shares of the latency. */
export interface Spread {
  readonly layers: readonly number[];
  /** One row a sample, over `layers`. */
  readonly rows: readonly Float64Array[];
}

/** How alike each two of the layers are; row-major. */
export function likeness({ layers: all }: Catalogue, layers: readonly number[], name: SimilarityName): Float64Array {
  const similarity = similarities[name];
  const m = layers.length;
  const alike = new Float64Array(m * m);
  for (let a = 0; a < m; a++)
    for (let b = 0; b <= a; b++) alike[a * m + b] = alike[b * m + a] = similarity(all[layers[a]], all[layers[b]]);
  return alike;
}

/** Covariance of the samples' deviations. */
export function layerCovariance({ layers, rows }: Spread, alike: Float64Array): Float64Array {
  const m = layers.length;
  const n = rows.length;
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const right = new Float64Array(m);
    for (let a = 0; a < m; a++) {
      const own = rows[i][a];
      if (own === 0) continue;
      for (let b = 0; b < m; b++) right[b] += own * alike[a * m + b];
    }
    for (let j = 0; j <= i; j++) matrix[i * n + j] = matrix[j * n + i] = dot(rows[j], right);
  }
  return matrix;
}
