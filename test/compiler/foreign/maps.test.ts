import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { foreignMaps, foreignNetwork, resizedFile, type ForeignMaps } from '../../../compiler/index.js';
import { activateBackend } from '../../../trainers/engines/index.js';
import { normal, ownWeights } from './support.js';

const fixture = (name: string): Uint8Array => readFileSync(new URL(`./fixtures/${name}.onnx`, import.meta.url));
const strides = [4, 8, 16] as const;

/** The maps of a fixture for images of 64 x 96 pixels. */
const mapsOf = (name: string): ForeignMaps => foreignMaps(resizedFile(fixture(name), [64, 96], name), strides);

const shapesOf = ({ maps }: ForeignMaps): string[] =>
  maps.map(({ stride, shape }) => `${stride}: ${shape.join(' x ')}`);

beforeAll(activateBackend);

describe('the maps of a classifier', () => {
  it.each([
    'shufflenet',
    'densenet',
    'efficientnet',
    'mobilenet_v2',
    'mobilenet_v2-inference',
    'mobilenet_v3',
    'regnet',
    'resnet',
    'convnext',
  ])('are the last ones of each stride: %s', (name) => {
    const found = mapsOf(name);
    expect(found.maps.map(({ shape: [height, width], stride }) => [height * stride, width * stride])).toEqual(
      found.maps.map(() => [64, 96]),
    );
    expect(shapesOf(found)).toMatchSnapshot();
    tf.tidy(() => {
      const images = tf.tensor(normal(64 * 96 * 3, 'images'), [1, 64, 96, 3]);
      const maps = found.apply(ownWeights(found), images, { training: false });
      expect(maps.map(({ shape }) => shape.slice(1))).toEqual(found.maps.map(({ shape }) => [...shape]));
    });
  });

  it.each([
    ['regnet', 16],
    ['shufflenet', 32],
  ])('are what its last layer reads the mean of: %s', (name, stride) => {
    const file = resizedFile(fixture(name), [64, 96], name);
    const [found, whole] = [foreignMaps(file, [stride]), foreignNetwork(file)];
    tf.tidy(() => {
      const images = tf.tensor(normal(64 * 96 * 3, 'images'), [1, 64, 96, 3]);
      const [map] = found.apply(ownWeights(found), images, { training: false });
      const { features } = whole.apply(ownWeights(whole), images, { training: false });
      const mean = tf.mean(map, [1, 2]).dataSync();
      expect(mean.length).toBe(features?.size);
      features?.dataSync().forEach((value, i) => expect(mean[i]).toBeCloseTo(value, 4));
    });
  });

  it('have no weights behind the last one', () => {
    const names = mapsOf('resnet').weights.map(({ name }) => name);
    expect(names.some((name) => name.startsWith('fc'))).toBe(false);
  });

  it('know which kernels stand before a batch norm', () => {
    const { weights, atNorms } = mapsOf('shufflenet');
    const kinds = new Map(weights.map(({ name, shape }) => [name, { shape, kind: atNorms.get(name) }]));
    for (const { shape, kind } of kinds.values()) if (kind === 'matrix') expect(shape).toHaveLength(4);
    expect([...kinds.values()].filter(({ kind }) => kind === 'matrix').length).toBeGreaterThan(5);
    expect(mapsOf('mobilenet_v2-inference').atNorms.size).toBe(0);
  });

  it('are missing in a network that does not halve its images', () => {
    expect(() => foreignMaps(fixture('flat'), strides, { where: 'flat.onnx' })).toThrow(
      /^flat.onnx makes no maps of 4, 8, 16 pixels a cell for images of \d+ x \d+$/,
    );
  });
});
