import * as tf from '@tensorflow/tfjs-core';
import { afterEach, expect, it } from 'vitest';
import { targetWith } from '../../compiler/index.js';
import { describeOnWebGpu } from '../support/webgpu.js';
import { failuresOf } from './support/fuzz.js';

/** More programs than in the normal suite: NAS_FUZZ_WEBGPU=500. */
const programs = Number(process.env['NAS_FUZZ_WEBGPU'] ?? 12);
const target = targetWith(null, { provider: 'webgpu' });

afterEach(() => tf.disposeVariables());

describeOnWebGpu('random programs on the WebGPU provider', () => {
  for (let first = 0; first < programs; first += 10) {
    const last = Math.min(first + 10, programs) - 1;
    it(`${first} to ${last} agree with the cpu backend in values and gradients`, { timeout: 600_000 }, async () => {
      expect(await failuresOf(first, last, () => target)).toEqual([]);
    });
  }
});
