import { Random } from '../../base/random.js';
import {
  costs,
  createSpace,
  extremes,
  publishedNetwork,
  sampleGenotype,
  spaceSchema,
  type Network,
  type SpaceConfig,
  type Task,
} from '../../spaces/index.js';

/** A network whose latency is compared. Its weights are random, because latency does not depend on them. */
export interface SpeedSubject {
  readonly name: string;
  readonly network: Network;
  /** Target speed-up over fp32 on a processor with VNNI at batch 1; absent: no target. */
  readonly bar?: number;
  /** Whether to time it also in batches and with the peer's quantizer. */
  readonly thorough: boolean;
}

const imagenet: Task = { input: [224, 224, 3], classes: 1000 };

const spaceOf = (config: object, task: Task) => createSpace(spaceSchema.parse(config) satisfies SpaceConfig, task);

/** EfficientNet-B0 (Tan & Le 2019, table 1). */
const b0 = {
  type: 'efficientnet',
  phi: 0,
  stem: { filters: 32, stride: 2, act: 'swish' },
  stages: [
    { kernel: 3, expand: 1, filters: 16, depth: 1, stride: 1 },
    { kernel: 3, expand: 6, filters: 24, depth: 2, stride: 2 },
    { kernel: 5, expand: 6, filters: 40, depth: 2, stride: 2 },
    { kernel: 3, expand: 6, filters: 80, depth: 3, stride: 2 },
    { kernel: 5, expand: 6, filters: 112, depth: 3, stride: 1 },
    { kernel: 5, expand: 6, filters: 192, depth: 4, stride: 2 },
    { kernel: 3, expand: 6, filters: 320, depth: 1, stride: 1 },
  ].map((stage) => ({ ...stage, se: 0.25 / stage.expand, act: 'swish' })),
  head: { filters: 1280, act: 'swish', dropout: 0.2 },
};

/** Published networks, and the largest network of the MobileNetV3 space. */
export async function publishedSubjects(): Promise<SpeedSubject[]> {
  const efficientnet = await spaceOf(b0, imagenet);
  const large = await spaceOf({ type: 'mobilenet', preset: 'mobilenetv3-large' }, imagenet);
  return [
    { name: 'mobilenetv2', network: publishedNetwork('mobilenetv2', imagenet), bar: 2, thorough: true },
    { name: 'mobilenetv3-large', network: publishedNetwork('mobilenetv3-large', imagenet), bar: 1.4, thorough: true },
    { name: 'mobilenetv3-large, largest', network: extremes(large).largest.network, thorough: true },
    { name: 'efficientnet b0', network: efficientnet.build([]), bar: 1.35, thorough: true },
  ];
}

/** The space of `experiments/quickstart.yaml`. */
const quickstart = { type: 'mobilenet', preset: 'tiny', width: [0.25, 0.5, 1] };

/** The smallest and the largest network of that space, and `count` random ones. */
export async function quickstartSubjects(count = 4): Promise<SpeedSubject[]> {
  const space = await spaceOf(quickstart, { input: [28, 28, 1], classes: 10 });
  const { smallest, largest } = extremes(space);
  const random = new Random(1, 'int8', 'quickstart');
  const between = Array.from({ length: count }, () => space.build(sampleGenotype(space, random)));
  return [smallest.network, ...between, largest.network]
    .sort((a, b) => costs(a).macs - costs(b).macs)
    .map((network, i) => ({ name: `quickstart ${i + 1}`, network, thorough: true }));
}

/** A space whose random members are compared. */
interface Members {
  readonly name: string;
  readonly config: object;
  readonly task: Task;
}

const at = (side: number, classes: number): Task => ({ input: [side, side, 3], classes });

const memberSpaces: readonly Members[] = [
  { name: 'mobilenet tiny, 32', config: { type: 'mobilenet', preset: 'tiny' }, task: at(32, 10) },
  { name: 'mobilenet small, 96', config: { type: 'mobilenet', preset: 'small' }, task: at(96, 10) },
  { name: 'efficientnet small, 96', config: { type: 'efficientnet', preset: 'small' }, task: at(96, 10) },
  { name: 'mobilenetv2, 160', config: { type: 'mobilenet', preset: 'mobilenetv2' }, task: at(160, 100) },
  { name: 'mobilenetv3-large, 192', config: { type: 'mobilenet', preset: 'mobilenetv3-large' }, task: at(192, 100) },
  {
    name: 'ofa-mobilenetv3, 224',
    config: { type: 'module', path: 'bench/latency/ofa-mobilenetv3.ts' },
    task: at(224, 1000),
  },
];

/** Space name → random members of the space. */
export async function memberSubjects(count: number): Promise<ReadonlyMap<string, readonly SpeedSubject[]>> {
  const found = new Map<string, readonly SpeedSubject[]>();
  for (const { name, config, task } of memberSpaces) {
    const space = await spaceOf(config, task);
    const random = new Random(1, 'int8', name);
    found.set(
      name,
      Array.from({ length: count }, (_, i) => ({
        name: `${name} #${i + 1}`,
        network: space.build(sampleGenotype(space, random)),
        thorough: false,
      })),
    );
  }
  return found;
}
