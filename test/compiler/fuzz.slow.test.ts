import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { resolveTarget } from '../../compiler/index.js';
import { failuresOf } from './support/fuzz.js';
import { operations } from './support/random-program.js';

/** Number of programs; `NAS_FUZZ=500` tries more. */
const programs = Number(process.env['NAS_FUZZ'] ?? 60);

afterEach(() => tf.disposeVariables());

describe('random programs', () => {
  const used = new Set<string>();

  for (let first = 0; first < programs; first += 10) {
    const last = Math.min(first + 10, programs) - 1;
    it(`${first} to ${last} agree with the cpu backend in values and gradients`, { timeout: 120_000 }, async () => {
      expect(await failuresOf(first, last, ({ blocked }) => resolveTarget({ blocked }), used)).toEqual([]);
    });
  }

  it('use every operation', () => {
    expect(Object.keys(operations).filter((name) => !used.has(name))).toEqual([]);
  });
});
