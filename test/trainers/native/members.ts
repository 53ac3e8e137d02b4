import { createEngine, engineSchema, lossSchema, optimizerSchema, type EngineConfig } from '../../../trainers/index.js';
import type { Loss } from '../../../trainers/schema/loss.js';
import { Random } from '../../../base/random.js';
import {
  activations,
  createSpace,
  gates,
  sampleGenotype,
  type Network,
  type SpaceConfig,
  type Task,
} from '../../../spaces/index.js';
import { tinySpace } from '../supernet/spaces.js';
import { update } from '../support/networks.js';
import { doubleStep, type DoubleStep } from './double-network.js';
import { logitGradients } from './double-losses.js';
import { inputFor } from './run.js';

/** A space, on images small enough for plain loops. */
interface SmallSpace {
  readonly name: string;
  readonly config: SpaceConfig;
  /** Height and width of the images. */
  readonly size: number;
}

export const spaces: readonly SmallSpace[] = [
  { name: 'mobilenet tiny', config: { type: 'mobilenet', preset: 'tiny' }, size: 16 },
  { name: 'mobilenetv2', config: { type: 'mobilenet', preset: 'mobilenetv2' }, size: 32 },
  { name: 'mobilenetv4', config: { type: 'mobilenet', preset: 'mobilenetv4-conv-small' }, size: 32 },
  { name: 'efficientnet tiny', config: { type: 'efficientnet', preset: 'tiny' }, size: 16 },
  { name: 'efficientnet b0', config: { type: 'efficientnet', preset: 'b0' }, size: 32 },
  { name: 'blocks', config: tinySpace, size: 12 },
  { name: 'nas-bench-201', config: { type: 'nas-bench-201', cells: 2, filters: 8 }, size: 12 },
];

const task = (size: number): Task => ({ input: [size, size, 3], classes: 10 });

const weights = [0.5, 2, 1, 1, 1, 1, 1, 1, 1, 0.5];

/** Every loss of every task. */
const losses: readonly Loss[] = [
  lossSchema.parse({ type: 'cross-entropy' }),
  { ...lossSchema.parse({ type: 'cross-entropy', label_smoothing: 0.1 }), classWeights: weights },
  lossSchema.parse({ type: 'kd' }),
  { ...lossSchema.parse({ type: 'kd', temperature: 2, alpha: 0.8 }), classWeights: weights, unlabelled: true },
  lossSchema.parse({ type: 'dkd' }),
  { ...lossSchema.parse({ type: 'dkd', label_smoothing: 0.1 }), classWeights: weights, unlabelled: true },
  { ...lossSchema.parse({ type: 'cross-entropy', label_smoothing: 0.1 }), task: 'multi-label' },
  { ...lossSchema.parse({ type: 'kd' }), task: 'multi-label' },
  { ...lossSchema.parse({ type: 'cross-entropy' }), task: 'regression' },
  { ...lossSchema.parse({ type: 'kd' }), task: 'regression' },
];

/** A network and what it is trained on. */
export interface Member {
  readonly network: Network;
  readonly loss: Loss;
  readonly seed: number;
}

/** Draws members of a space, with activations, gates and losses in turn; without dropout, whose noise has its own tests. */
export async function membersOf({ name, config, size }: SmallSpace, count: number): Promise<Member[]> {
  const space = await createSpace(config, task(size));
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(i, name);
    const network = space.build(sampleGenotype(space, random));
    const act = activations[random.int(activations.length)];
    // A half with the space's own activations.
    const acted: Network =
      i % 2 === 0 ? network : { ...network, blocks: network.blocks.map((b) => ('act' in b ? { ...b, act } : b)) };
    const style = { ...network.style, squeeze: act, gate: gates[random.int(gates.length)] };
    return {
      network: { ...acted, style, head: { ...network.head, dropout: 0 } },
      loss: losses[random.int(losses.length)],
      seed: i,
    };
  });
}

const batch = 8;

interface Inputs {
  readonly images: Float32Array;
  readonly labels: Float32Array;
  readonly teacher: Float32Array;
}

function labelsFor({ loss, network, seed }: Member): Omit<Inputs, 'images'> {
  const random = new Random(seed, 'labels');
  const { classes } = network;
  const normal = (): Float32Array => Float32Array.from({ length: batch * classes }, () => random.normal());
  const labels = normal();
  if (loss.task !== 'regression')
    for (let n = 0; n < batch; n++) {
      const own = random.int(classes);
      const isLabelled = loss.unlabelled !== true || n % 3 !== 0;
      for (let c = 0; c < classes; c++) {
        const isOn = loss.task === 'multi-label' ? random.uniform() < 0.4 : c === own;
        labels[n * classes + c] = isLabelled && isOn ? 1 : 0;
      }
    }
  return { labels, teacher: normal() };
}

/** An update at this rate is the gradient: beside it, a weight is nothing, and the quotient is exact. */
const rate = 2 ** 40;

/** A gradient and statistics of an engine of float32. */
export interface FloatStep {
  readonly gradients: ReadonlyMap<string, Float64Array>;
  readonly statistics: ReadonlyMap<string, Float64Array>;
}

/** @returns null where the engine leaves the network to another one */
async function engineStep(
  engine: EngineConfig,
  { network, loss, seed }: Member,
  { weights }: DoubleStep,
  inputs: Inputs,
): Promise<FloatStep | null> {
  const optimizer = optimizerSchema.parse({ type: 'sgd', momentum: 0, weight_decay: 0, nesterov: false });
  const own = await createEngine(engine, () => ({ network, loss, seed, optimizer, ema: 0, initial: weights }), {
    threads: 1,
    batch,
  });
  try {
    if (own.kind !== engine.type) return null;
    await update(own, inputs, rate, 0);
    const state = [...(await own.state())].flatMap(([name, { data }]) =>
      name.startsWith('model/') ? [[name.slice('model/'.length), data] as const] : [],
    );
    const isMoving = (name: string): boolean => name.includes('/moving_');
    const before = (name: string): Float32Array => weights.get(name)?.data ?? new Float32Array();
    return {
      gradients: new Map(
        state.flatMap(([name, data]) => {
          const old = before(name);
          return isMoving(name) ? [] : [[name, Float64Array.from(data, (value, i) => (old[i] - value) / rate)]];
        }),
      ),
      statistics: new Map(state.flatMap(([name, data]) => (isMoving(name) ? [[name, Float64Array.from(data)]] : []))),
    };
  } finally {
    await own.dispose();
  }
}

/** How far an engine's gradients are from those in float64. */
export interface Distance {
  /** Of all gradients as one vector. */
  readonly whole: number;
  /** Of the array that is farthest; beside arrays below a hundredth of all gradients, that hundredth counts. */
  readonly worst: number;
  readonly name: string;
}

const lengthOf = (values: Iterable<Float64Array>): number => {
  let sum = 0;
  for (const array of values) for (const value of array) sum += value ** 2;
  return Math.sqrt(sum);
};

function distanceOf(actual: FloatStep, expected: DoubleStep): Distance {
  const all = lengthOf(expected.gradients.values());
  let [worst, name, squares] = [0, '', 0];
  for (const [own, values] of expected.gradients) {
    const found = actual.gradients.get(own) ?? new Float64Array(values.length).fill(NaN);
    const by = lengthOf([values.map((value, i) => value - found[i])]);
    squares += by ** 2;
    const relative = by / Math.max(lengthOf([values]), all / 100);
    if (!(relative <= worst)) [worst, name] = [relative, own];
  }
  return { whole: Math.sqrt(squares) / all, worst, name };
}

const engines = {
  native: engineSchema.parse({ type: 'native' }),
  compiled: engineSchema.parse({ type: 'compiled', provider: 'cpu' }),
} as const;

/** How far an engine is from float64 on a member; null: it leaves the network to another one. */
export async function distanceBy(name: keyof typeof engines, member: Member): Promise<Distance | null> {
  const { network, loss, seed } = member;
  const { images, weights } = inputFor(network, batch, 1, seed);
  const own = labelsFor(member);
  const expected = doubleStep(network, weights, images, (logits) => logitGradients(loss, own, logits, network.classes));
  const step = await engineStep(engines[name], member, expected, { images, ...own });
  return step && distanceOf(step, expected);
}
