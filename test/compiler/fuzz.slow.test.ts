import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { resolveTarget } from '../../compiler/index.js';
import { testPrograms } from './support/fuzz.js';
import { operations } from './support/random-program.js';

afterEach(() => tf.disposeVariables());

describe('random programs', () => {
  const used = new Set<string>();
  // NAS_FUZZ=500 tries more programs.
  testPrograms(Number(process.env['NAS_FUZZ'] ?? 40), ({ blocked }) => resolveTarget({ blocked }), used);

  it('use every operation', () => {
    expect(Object.keys(operations).filter((name) => !used.has(name))).toEqual([]);
  });
});
