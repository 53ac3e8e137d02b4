import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { metadataProps } from '../../deploy/index.js';
import {
  classifierHead,
  costs,
  extremes,
  publishedNetwork,
  type MBConv,
  type Network,
  type Task,
} from '../../spaces/index.js';
import ofaMobilenetv3 from '../latency/ofa-mobilenetv3.js';
import { initialWeights, toOnnx } from '../../spaces/models/index.js';
import { makeDivisible } from '../../spaces/staged/layout.js';

/** A served network. Its weights are random, because cost does not depend on them. */
export interface Subject {
  readonly name: string;
  readonly network: Network;
  /** The published accuracy of the trained architecture, not measured here. */
  readonly accuracy: number;
}

const relu = (filters: number, stride: 1 | 2): MBConv => ({
  kind: 'mbconv',
  filters,
  kernel: 3,
  stride,
  act: 'relu',
  expand: 2,
  se: 0,
});

/** About 0.03 ms per image; the server dominates the cost. */
export const small: Subject = {
  name: 'small',
  network: {
    kind: 'network',
    input: [28, 28, 1],
    classes: 10,
    stem: { filters: 8, kernel: 3, stride: 2, act: 'relu' },
    blocks: [relu(8, 2), relu(16, 2)],
    head: { filters: 64, act: 'relu', dropout: 0 },
  },
  accuracy: 0.85,
};

const imagenet: Task = { input: [224, 224, 3], classes: 1000 };
const v3Large = publishedNetwork('mobilenetv3-large', imagenet);
const v3Small = publishedNetwork('mobilenetv3-small', imagenet);

const divisible = (width: number): number => makeDivisible(width, 8);

/** A MobileNetV3 with another width multiplier, rounded as in the paper. */
function widened(network: Network, factor: number): Network {
  let before = network.stem.filters;
  const stem = { ...network.stem, filters: divisible(network.stem.filters * factor) };
  let channels = stem.filters;
  const blocks = network.blocks.map((block) => {
    if (block.kind !== 'mbconv') throw new Error(`MobileNetV3 has no block of kind ${block.kind}`);
    const expanded = divisible(before * block.expand * factor);
    const wider = { ...block, filters: divisible(block.filters * factor), expand: expanded / channels };
    before = block.filters;
    channels = wider.filters;
    return wider;
  });
  const head = classifierHead(network);
  return { ...network, stem, blocks, head: { ...head, filters: divisible(head.filters * factor) } };
}

/** MobileNetV3-Large, about 6.6 ms per image. */
export const large: Subject = { name: 'v3-large', network: v3Large, accuracy: 0.752 };

/**
 * Six networks of 21 to 566 million multiply-accumulates at 224 pixels, by ascending accuracy: published for MobileNetV3
 * (Howard et al. 2019, table 3), approximate for the largest network of Once-for-All (Cai et al. 2020).
 */
export function frontierSubjects(): readonly Subject[] {
  const space = ofaMobilenetv3(imagenet);
  return [
    { name: 'v3-small-0.5', network: widened(v3Small, 0.5), accuracy: 0.58 },
    { name: 'v3-small', network: v3Small, accuracy: 0.674 },
    { name: 'v3-large-0.5', network: widened(v3Large, 0.5), accuracy: 0.688 },
    { name: 'v3-large-0.75', network: widened(v3Large, 0.75), accuracy: 0.733 },
    large,
    { name: 'ofa-largest', network: extremes(space).largest.network, accuracy: 0.787 },
  ];
}

/** Number of channels → statistics for normalising pixels. */
export const normalisation = {
  1: { mean: [0.2857], std: [0.3529] },
  3: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
} as const;

/** Writes networks as ONNX files with the metadata that serving needs. @returns their paths in order. */
export function writeModels(folder: string, subjects: readonly Subject[]): string[] {
  mkdirSync(folder, { recursive: true });
  return subjects.map(({ name, network, accuracy }) => {
    const metadata = metadataProps({
      input: network.input,
      layout: 'NHWC',
      classes: Array.from({ length: network.classes }, (_, i) => `class ${i}`),
      ...normalisation[network.input[2] === 1 ? 1 : 3],
      nas_version: '0.1.0',
      created: '2026-01-01T00:00:00.000Z',
      accuracy: { test: accuracy },
      precision: 'fp32',
    });
    const file = join(folder, `${name}.onnx`);
    writeFileSync(file, toOnnx({ network, weights: initialWeights(network, 1) }, { name, metadata }));
    return file;
  });
}

/** For example `v3-large: 219 million multiply-accumulates, accuracy 0.752`. */
export const subjectText = ({ name, network, accuracy }: Subject): string =>
  `${name}: ${Math.round(costs(network).macs / 1e6)} million multiply-accumulates, accuracy ${accuracy}`;
