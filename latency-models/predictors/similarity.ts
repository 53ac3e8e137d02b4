import type { LayerFeatures } from './layer-features.js';

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
