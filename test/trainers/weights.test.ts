import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { extremes, memberOf, sharedName } from '../../spaces/index.js';
import { drawWeights, initialWeights, sharedSpecs, slicedTo, weightSpecs } from '../../spaces/models/index.js';
import { coverageOf, readInitial, saveWeights } from '../../trainers/index.js';
import { makeSpace } from '../spaces/make.js';
import { temporaryFolder } from '../support/temporary.js';
import { tinyStudent } from './support/networks.js';

const seed = 5;

function fileOf(weights: Parameters<typeof saveWeights>[0]): string {
  const file = join(temporaryFolder(), 'weights.bin');
  saveWeights(weights, file);
  return file;
}

describe("a network's own weights", () => {
  test('are as the file says, moving statistics included', () => {
    const weights = new Map(
      [...initialWeights(tinyStudent(), 1)].map(([name, { shape, data }]) => [
        name,
        { shape, data: data.map((x) => x + 3) },
      ]),
    );
    expect(readInitial(tinyStudent(), seed, { file: fileOf(weights) })).toEqual(weights);
  });

  test('have a new head for other classes', () => {
    const weights = initialWeights(tinyStudent({ classes: 7 }), 1);
    const read = readInitial(tinyStudent(), seed, { file: fileOf(weights) });
    expect(read.get('logits/kernel')).toEqual(initialWeights(tinyStudent(), seed).get('logits/kernel'));
    expect(read.get('logits/bias')?.shape).toEqual([10]);
    expect(read.get('stem/kernel')).toEqual(weights.get('stem/kernel'));
  });

  test('of another network are refused by the name of what differs', () => {
    const network = { ...tinyStudent(), stem: { ...tinyStudent().stem, kernel: 5 } };
    const file = fileOf(initialWeights(network, 1));
    expect(() => readInitial(tinyStudent(), seed, { file })).toThrow(
      /does not hold the weights of this network: stem\/kernel has shape \[5,5,1,4\], expected \[3,3,1,4\]/,
    );
  });
});

describe('shared weights', () => {
  const make = () => makeSpace({ type: 'mobilenet', preset: 'tiny' });

  test('give each member its part, by place, and fresh moving statistics', async () => {
    const space = await make();
    const shared = drawWeights(sharedSpecs(space), 1);
    const file = fileOf(shared);
    const { smallest, largest } = extremes(space);
    for (const { genotype } of [smallest, largest]) {
      const { network, places } = memberOf(space, genotype);
      const read = readInitial(network, seed, { file, places });
      const fresh = initialWeights(network, seed);
      expect([...read.keys()]).toEqual([...fresh.keys()]);
      for (const { name, shape, trainable } of weightSpecs(network)) {
        const whole = shared.get(sharedName({ network, places }, name));
        expect(read.get(name), name).toEqual(trainable && whole ? slicedTo(whole, shape) : fresh.get(name));
      }
    }
  });

  test('that lack one of the network are refused', async () => {
    const space = await make();
    const { network, places } = memberOf(space, extremes(space).largest.genotype);
    const shared = new Map(drawWeights(sharedSpecs(space), 1));
    shared.set('stem/kernel', { shape: [3, 3, 1, 4], data: new Float32Array(36) });
    const narrow = fileOf(shared);
    expect(() => readInitial(network, seed, { file: narrow, places })).toThrow(
      /stem\/kernel has shape \[3,3,1,4\], expected at least \[3,3,1,16\]/,
    );
    shared.delete('stem/kernel');
    const without = fileOf(shared);
    expect(() => readInitial(network, seed, { file: without, places })).toThrow(/stem\/kernel is missing/);
  });

  test('that are partial let start afresh what they lack or have too small', async () => {
    const space = await make();
    const { network, places } = memberOf(space, extremes(space).largest.genotype);
    const shared = new Map(drawWeights(sharedSpecs(space), 1));
    shared.set('stem/kernel', { shape: [3, 3, 1, 4], data: new Float32Array(36) });
    shared.delete('stage1.1_depthwise/depthwise_kernel');
    const read = readInitial(network, seed, { file: fileOf(shared), places, partial: true });
    const fresh = initialWeights(network, seed);
    expect(read.get('stem/kernel')).toEqual(fresh.get('stem/kernel'));
    expect(read.get('block1_depthwise/depthwise_kernel')).toEqual(fresh.get('block1_depthwise/depthwise_kernel'));
    expect(read.get('block2_depthwise/depthwise_kernel')).not.toEqual(fresh.get('block2_depthwise/depthwise_kernel'));
  });

  test('are counted by the layers and values that they give', async () => {
    const space = await make();
    const { network, places } = memberOf(space, extremes(space).largest.genotype);
    const shared = new Map(drawWeights(sharedSpecs(space), 1));
    const kernels = weightSpecs(network).filter(({ name }) => name.endsWith('kernel')).length;
    expect(coverageOf({ network, places }, shared)).toEqual({ layers: { given: kernels, all: kernels }, share: 1 });
    shared.delete('stem/kernel');
    shared.set('logits/bias', { shape: [3], data: new Float32Array(3) });
    const { layers, share } = coverageOf({ network, places }, shared);
    expect(layers).toEqual({ given: kernels - 2, all: kernels });
    const size = (missing: RegExp) =>
      weightSpecs(network)
        .filter(({ name, trainable }) => trainable && missing.test(name))
        .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(share).toBeCloseTo(1 - size(/^stem\/kernel|^logits\//) / size(/./), 12);
  });
});
