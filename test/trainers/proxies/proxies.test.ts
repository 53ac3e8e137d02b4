import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { NasError } from '../../../base/errors.js';
import { Random } from '../../../base/random.js';
import { layersOf, type Network } from '../../../spaces/index.js';
import { initialWeights, namedWeights, weightVariables } from '../../../spaces/models/index.js';
import { proxies, type ProxyBatch } from '../../../trainers/index.js';
import { activateBackend } from '../../../trainers/engines/index.js';
import { codeAgreement, kernelsOf, logDeterminant, type Variables } from '../../../trainers/proxies/program.js';
import { synapticFlow } from '../../../trainers/proxies/flow.js';
import { layersModelOf } from '../../support/layers-model.js';
import { crossEntropy } from '../../../trainers/losses/index.js';
import { noiseBatch, tinyStudent, tinyTeacher } from '../support/networks.js';

beforeAll(() => activateBackend({ type: 'eager', backend: 'cpu' }));

const batchOf = (network: Network, size: number, seed = 1): ProxyBatch => {
  const { images, labels } = noiseBatch(network, size, seed);
  return { image: network.input, images, labels, size };
};

const tinyNetwork = fc
  .record({
    seed: fc.integer({ min: 0, max: 1000 }),
    filters: fc.integer({ min: 1, max: 6 }),
    kernel: fc.constantFrom(1, 3, 5),
    stride: fc.constantFrom<1 | 2>(1, 2),
    expand: fc.constantFrom(1, 2),
    se: fc.constantFrom(0, 0.5),
    kind: fc.constantFrom<('mbconv' | 'fused_mbconv' | 'basic')[]>('mbconv', 'fused_mbconv', 'basic'),
  })
  .map(({ seed, filters, kernel, stride, expand, se, kind }) => {
    const conv = { filters, kernel, stride, act: 'hard_swish' as const };
    const network: Network = {
      kind: 'network',
      input: [6, 6, 2],
      classes: 3,
      stem: { filters, kernel: 3, stride: 1, act: 'relu' },
      blocks: [kind === 'basic' ? { kind, ...conv } : { kind, ...conv, expand, se }],
      head: { filters: 4, act: 'relu6', dropout: 0.2 },
    };
    return { network, seed };
  });

const withWeights = <T>(network: Network, seed: number, f: (weights: Variables) => T): T => {
  const weights = weightVariables({ network, weights: initialWeights(network, seed) });
  tf.engine().startScope();
  try {
    return f(weights);
  } finally {
    tf.engine().endScope();
    tf.dispose([...weights.values()]);
  }
};

const withModel = <T>(network: Network, seed: number, f: (model: tfl.LayersModel) => T): T => {
  const model = layersModelOf(network, seed);
  tf.engine().startScope();
  try {
    return f(model);
  } finally {
    tf.engine().endScope();
    model.dispose();
  }
};

/** The definition of synflow, by TF.js's autodiff: log of the sum of |w dR/dw| in the linearised network. */
const synflowByAutodiff = (network: Network, variables: Variables): number => {
  const kernels = kernelsOf(variables);
  const layers = layersOf(network);
  const weighted = layers.filter(({ kind }) => kind === 'conv' || kind === 'depthwise' || kind === 'dense');
  const forward = (...weights: tf.Tensor[]): tf.Tensor => {
    const maps: tf.Tensor[] = [];
    for (const layer of layers) {
      const [x, y] = layer.inputs.map((i) => maps[i]);
      const w = weights[weighted.findIndex(({ name }) => name === layer.name)];
      switch (layer.kind) {
        case 'input':
          maps.push(tf.ones([1, ...layer.output]));
          break;
        case 'conv':
          maps.push(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, layer.stride, 'same'));
          break;
        case 'depthwise':
          maps.push(tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, layer.stride, 'same'));
          break;
        case 'dense':
          maps.push(tf.matMul(x, w));
          break;
        case 'global_pool':
          maps.push(tf.mean(x, [1, 2]));
          break;
        case 'add':
          maps.push(tf.add(x, y));
          break;
        default:
          maps.push(x);
      }
    }
    // The weights of gates do not take part; without the second term TF.js refuses to differentiate by them.
    return weights.reduce((r, w) => tf.add(r, tf.mul(tf.sum(w), 0)), tf.sum(maps[maps.length - 1]));
  };
  const positive = kernels.map((kernel) => tf.abs(kernel));
  const gradients = tf.grads(forward)(positive);
  const sum = gradients.reduce((all, g, i) => all + tf.sum(tf.abs(tf.mul(g, positive[i]))).dataSync()[0], 0);
  return Math.log(sum);
};

describe('synflow', () => {
  test('is the sum that one can work out by hand', async () => {
    // One pixel, one channel: R = |a| |b| (|c| + |d|), and each of the three layers gets all of it.
    const network: Network = {
      kind: 'network',
      input: [1, 1, 1],
      classes: 2,
      stem: { filters: 1, kernel: 1, stride: 1, act: 'relu' },
      blocks: [],
      head: { filters: 1, act: 'relu', dropout: 0 },
    };
    const [a, b, c, d] = withWeights(network, 5, (weights) =>
      kernelsOf(weights).flatMap((kernel) => [...kernel.dataSync()].map(Math.abs)),
    );
    const { synflow } = await proxies(network, { seed: 5 });
    expect(synflow).toBeCloseTo(Math.log(3 * a * b * (c + d)), 5);
  });

  test('is its definition by automatic differentiation, for all kinds of block', () => {
    fc.assert(
      fc.property(tinyNetwork, ({ network, seed }) => {
        withWeights(network, seed, (weights) => {
          expect(synapticFlow(network, weights).dataSync()[0]).toBeCloseTo(synflowByAutodiff(network, weights), 4);
        });
      }),
      { numRuns: 10 },
    );
  });

  test('does not leave the range of float32 in a network of a hundred layers', async () => {
    const block = { kind: 'mbconv', filters: 16, kernel: 3, stride: 1, act: 'relu', expand: 6, se: 0.25 } as const;
    const deep: Network = { ...tinyStudent(), blocks: Array.from({ length: 33 }, () => block) };
    const { synflow } = await proxies(deep, { seed: 1 });
    expect(synflow).toBeGreaterThan(Math.log(3.4e38));
    expect(synflow).toBeLessThan(Infinity);
  }, 60_000);
});

describe('gradient norm and snip', () => {
  test("equal those of TF.js's cpu backend", async () => {
    const network = tinyStudent();
    const batch = batchOf(network, 8);
    const { gradnorm, snip } = await proxies(network, { seed: 3, batch, names: ['gradnorm', 'snip'] });
    await activateBackend({ type: 'eager', backend: 'cpu' });
    const [norm, saliency] = withModel(network, 3, (model) => {
      const kernels = kernelsOf(new Map(namedWeights(model).map(({ name, variable }) => [name, variable])));
      const images = tf.tensor(batch.images, [8, ...network.input]);
      const labels = tf.tensor(batch.labels, [8, network.classes]);
      const { grads } = tf.variableGrads(
        () => crossEntropy(labels, model.apply(images, { training: true }) as tf.Tensor) as tf.Scalar,
        kernels,
      );
      return kernels.reduce(
        ([n, s], kernel) => {
          const gradient = grads[kernel.name];
          const weight = kernel.dataSync();
          const products = [...gradient.dataSync()].map((g, i) => Math.abs(g * weight[i]));
          return [n + tf.norm(gradient).dataSync()[0], s + products.reduce((x, y) => x + y, 0)];
        },
        [0, 0],
      );
    });
    expect(gradnorm / norm).toBeCloseTo(1, 3);
    expect(snip / saliency).toBeCloseTo(1, 3);
  });
});

/** Gaussian elimination with pivoting. */
function determinant(matrix: number[][]): number {
  const rows = matrix.map((row) => [...row]);
  let product = 1;
  for (let j = 0; j < rows.length; j++) {
    const best = rows.slice(j).reduce((top, row, i) => (Math.abs(row[j]) > Math.abs(rows[top][j]) ? i + j : top), j);
    if (best !== j) {
      [rows[j], rows[best]] = [rows[best], rows[j]];
      product = -product;
    }
    product *= rows[j][j];
    for (let i = j + 1; i < rows.length; i++) {
      const factor = rows[i][j] / rows[j][j];
      for (let k = j; k < rows.length; k++) rows[i][k] -= factor * rows[j][k];
    }
  }
  return product;
}

describe('NASWOT', () => {
  test('counts the units on which two codes agree', () => {
    const shape = fc.record({ images: fc.integer({ min: 1, max: 5 }), units: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(shape, fc.integer(), ({ images, units }, seed) => {
        const random = new Random(seed >>> 0, 'codes');
        const maps = [0, 1].map(() =>
          Array.from({ length: images }, () => Array.from({ length: units }, () => random.normal())),
        );
        const agreement = tf.tidy(() => [...codeAgreement(maps.map((map) => tf.tensor2d(map))).dataSync()]);
        const codes = Array.from({ length: images }, (_, i) => maps.flatMap((map) => map[i].map((x) => x > 0)));
        const direct = codes.flatMap((a) => codes.map((b) => a.filter((on, u) => on === b[u]).length));
        expect(agreement).toEqual(direct);
        const rows = codes.map((_, i) => direct.slice(i * images, (i + 1) * images));
        const expected = determinant(rows);
        if (expected > 0.5) expect(logDeterminant(direct, images)).toBeCloseTo(Math.log(expected), 6);
      }),
      { numRuns: 30 },
    );
  });

  test('is finite and low when two images have equal codes', () => {
    const different = logDeterminant([8, 4, 4, 8], 2);
    const alike = logDeterminant([8, 8, 8, 8], 2);
    expect(alike).toBeGreaterThan(-Infinity);
    expect(alike).toBeLessThan(different - 10);
  });

  test('of a network equals that of the signs before its activations', async () => {
    const network = tinyTeacher();
    const batch = batchOf(network, 6);
    const { naswot } = await proxies(network, { seed: 2, batch, names: ['naswot'] });
    await activateBackend({ type: 'eager', backend: 'cpu' });
    const direct = withModel(network, 2, (model) => {
      const images = tf.tensor(batch.images, [6, ...network.input]);
      const outputs = model.layers.reduce<Map<string, tf.Tensor>>((known, layer) => {
        const inputs = [layer.inboundNodes[0].inboundLayers.map(({ name }) => known.get(name))].flat();
        const given = inputs.filter((x) => x !== undefined);
        const output =
          given.length === 0 ? images : layer.apply(given.length === 1 ? given[0] : given, { training: true });
        return known.set(layer.name, output as tf.Tensor);
      }, new Map());
      const before = ['stem_bn', 'block1_conv1_bn', 'block1_add'].map((name) => outputs.get(name));
      const codes = Array.from({ length: 6 }, (_, i) =>
        before.flatMap((map) => {
          const values = [...(map?.dataSync() ?? [])];
          return values.slice((i * values.length) / 6, ((i + 1) * values.length) / 6).map((x) => x > 0);
        }),
      );
      return Math.log(determinant(codes.map((a) => codes.map((b) => a.filter((on, u) => on === b[u]).length))));
    });
    expect(naswot).toBeCloseTo(direct, 1);
  });
});

describe('proxies', () => {
  test('are finite and the same again for a seed, and differ for another', async () => {
    const network = tinyStudent({ dropout: 0.2 });
    const batch = batchOf(network, 8);
    const first = await proxies(network, { seed: 1, batch });
    expect(Object.keys(first)).toEqual(['synflow', 'gradnorm', 'snip', 'naswot']);
    for (const value of Object.values(first)) expect(Number.isFinite(value)).toBe(true);
    expect(await proxies(network, { seed: 1, batch })).toEqual(first);
    expect(await proxies(network, { seed: 2, batch })).not.toEqual(first);
  });

  test('refuse images of another size than the network', async () => {
    const network = tinyStudent();
    const large = batchOf({ ...network, input: [20, 20, 1] }, 4);
    await expect(proxies(network, { seed: 1, batch: large, names: ['naswot'] })).rejects.toThrow('[20, 20, 1]');
  });

  test('ask for images where they need them, and leave no tensors behind', async () => {
    await activateBackend({ type: 'eager', backend: 'cpu' });
    const before = tf.memory().numTensors;
    expect(Object.keys(await proxies(tinyStudent(), { seed: 1 }))).toEqual(['synflow']);
    await proxies(tinyStudent(), { seed: 1, batch: batchOf(tinyStudent(), 4) });
    expect(tf.memory().numTensors).toBe(before);
    await expect(proxies(tinyStudent(), { seed: 1, names: ['naswot'] })).rejects.toThrow(NasError);
  });
});
