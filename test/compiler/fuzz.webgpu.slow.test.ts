import * as tf from '@tensorflow/tfjs-core';
import { afterEach } from 'vitest';
import { targetWith } from '../../compiler/index.js';
import { describeOnWebGpu } from '../support/webgpu.js';
import { testPrograms } from './support/fuzz.js';

const target = targetWith(null, { provider: 'webgpu' });

afterEach(() => tf.disposeVariables());

// NAS_FUZZ_WEBGPU=500 tries more programs.
describeOnWebGpu('random programs on the WebGPU provider', () =>
  testPrograms(Number(process.env['NAS_FUZZ_WEBGPU'] ?? 12), () => target),
);
