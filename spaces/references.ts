import type { Block, Network } from './network.js';
import type { Task } from './space.js';
import { publishedNames, publishedNetwork, type PublishedName } from './published.js';
import { makeDivisible } from './staged/layout.js';

/** Stages end when the map is this small. */
const smallestMap = 8;
/** The same of networks with pools. */
const smallestPooledMap = 4;
const divisor = 8;

interface StageAt {
  /** From 0. */
  readonly index: number;
  readonly stride: 1 | 2;
}

/** A stage at full size after the stem, then one for each halving of the map until it has `smallest` pixels. */
function stagesFor(side: number, smallest: number): StageAt[] {
  const stages: StageAt[] = [{ index: 0, stride: 1 }];
  for (let map = side; map > smallest; map = Math.ceil(map / 2)) stages.push({ index: stages.length, stride: 2 });
  return stages;
}

/** The stem halves images with more pixels a side. */
const largestUnhalved = 48;

function pyramid(
  { input }: Task,
  smallest = smallestMap,
): { readonly stemStride: 1 | 2; readonly stages: readonly StageAt[] } {
  const side = Math.min(input[0], input[1]);
  const stemStride = side > largestUnhalved ? 2 : 1;
  return { stemStride, stages: stagesFor(Math.ceil(side / stemStride), smallest) };
}

const repeat = (count: number, stride: 1 | 2, block: (stride: 1 | 2) => Block): Block[] =>
  Array.from({ length: count }, (_, i) => block(i === 0 ? stride : 1));

/**
 * A ResNet of basic blocks (He et al. 2016, the form for small images), a reference and teacher for images of 28 to 64
 * pixels; larger images get more stages. At width 1 the first stage has 32 channels; each halving doubles them.
 */
export function resnetReference(task: Task, width = 1): Network {
  const { stemStride, stages } = pyramid(task);
  const filters = (index: number): number => makeDivisible(32 * width * 2 ** index, divisor);
  return {
    kind: 'network',
    input: task.input,
    classes: task.classes,
    stem: { filters: filters(0), kernel: 3, stride: stemStride, act: 'relu' },
    blocks: stages.flatMap(({ index, stride }) =>
      repeat(index === 0 ? 1 : 2, stride, (s) => ({
        kind: 'basic',
        filters: filters(index),
        kernel: 3,
        stride: s,
        act: 'relu',
      })),
    ),
    head: { filters: 0, act: 'relu', dropout: 0 },
  };
}

/** Channels of MobileNetV3's stages at width 1; further stages repeat the last. */
const mobilenetFilters = [16, 24, 40, 80, 160] as const;

/** A MobileNetV3-style network (Howard et al. 2019) with two blocks a stage, for the same images as `resnetReference`. */
export function mobilenetReference(task: Task, width = 1): Network {
  const { stemStride, stages } = pyramid(task);
  const scaled = (filters: number): number => makeDivisible(filters * width, divisor);
  const filters = (index: number): number => scaled(mobilenetFilters[Math.min(index, mobilenetFilters.length - 1)]);
  return {
    kind: 'network',
    input: task.input,
    classes: task.classes,
    stem: { filters: scaled(16), kernel: 3, stride: stemStride, act: 'hard_swish' },
    blocks: stages.flatMap(({ index, stride }) =>
      repeat(index === 0 ? 1 : 2, stride, (s) => ({
        kind: 'mbconv',
        filters: filters(index),
        kernel: index < 2 ? 3 : 5,
        stride: s,
        act: index < 2 ? 'relu' : 'hard_swish',
        expand: index === 0 ? 1 : 4,
        se: index < 2 ? 0 : 0.25,
      })),
    ),
    head: { filters: 6 * filters(stages.length - 1), act: 'hard_swish', dropout: 0.1 },
  };
}

/**
 * A network for short trainings, after airbench (Jordan 2024): frozen filters of 2 x 2 patches, then pairs of convolutions with a
 * pool in the first, without residuals. Images of 32 pixels have three pairs, larger ones more.
 */
export function pooledReference(task: Task, width = 1): Network {
  const { stemStride, stages } = pyramid(task, smallestPooledMap);
  const act = 'swish';
  return {
    kind: 'network',
    input: task.input,
    classes: task.classes,
    stem: { filters: 8 * task.input[2], kernel: 2, stride: stemStride, act },
    blocks: stages.slice(1).flatMap(({ index, stride }) => {
      const filters = makeDivisible(width * (index === 1 ? 64 : 256), divisor);
      return repeat(2, stride, (s) => ({ kind: 'pooled', filters, kernel: 3, stride: s, act }));
    }),
    head: { filters: 0, act, dropout: 0 },
  };
}

type Reference = (task: Task, width?: number) => Network;

const publishedReferences = Object.fromEntries(
  publishedNames.map((name) => [name, (task, width) => publishedNetwork(name, task, width)] as [string, Reference]),
) as { readonly [N in PublishedName]: Reference };

/** Reference networks by their names in an experiment's `teacher.network` and `search.enqueue`. */
export const presetNetworks = {
  resnet: resnetReference,
  mobilenet: mobilenetReference,
  pooled: pooledReference,
  ...publishedReferences,
} as const;
