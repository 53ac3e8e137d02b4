import type * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { product } from '../../../base/statistics.js';
import type { MapTask } from '../../../base/task.js';
import { compile, resolveTarget, StateStore, type HostTensor, type Target } from '../../../compiler/index.js';
import {
  detectionOf,
  mapTaskOf,
  sharedName,
  targetShape,
  withoutDropout,
  type Member,
  type Network,
  type SpaceConfig,
  type Task,
} from '../../../spaces/index.js';
import { drawWeights, sharedSpecs, slicedTo, weightSpecs, type Weights } from '../../../spaces/models/index.js';
import { GradientSums } from '../../../trainers/engines/variables.js';
import { activateBackend } from '../../../trainers/engines/index.js';
import { type BatchInputs, createNetworkProgram } from '../../../trainers/engines/network-program.js';
import { lossSchema } from '../../../trainers/schema/loss.js';
import { trainSchema } from '../../../trainers/schema/recipe.js';
import { createSupernetProgram } from '../../../trainers/supernet/program.js';
import { createSandwich } from '../../../trainers/supernet/sandwich.js';
import { detectionBatch, segmentationBatch } from '../../support/tiny-detector.js';
import { noiseBatch } from '../support/networks.js';
import { makeSpace } from './spaces.js';

const seed = 5;
const batch = 8;
const batches = {
  classification: noiseBatch,
  detection: detectionBatch,
  centroids: detectionBatch,
  segmentation: segmentationBatch,
} as const;
const taskOf = ({ head }: Pick<Network, 'head'>): MapTask | undefined => {
  const own = detectionOf({ head });
  return own === null ? undefined : mapTaskOf(own);
};
const learningFor = (task: MapTask | undefined) => ({
  seed,
  loss: {
    ...lossSchema.parse({ type: 'cross-entropy', label_smoothing: 0.1 }),
    ...(task === undefined ? { classWeights: [0.5, 2, 1, 1, 1, 1, 1, 1, 1, 0.5] } : { task }),
  },
  // Muon changes the norm of kernels even at a rate of 0, by which the sums are cleared below.
  optimizer: trainSchema.parse({ recipe: 'plain' }).optimizer,
  ema: 0,
  teacher: null,
});

let target: Target;

/** Loss and gradients (by parameter name) of one batch, from a compiled program. */
interface Found {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, HostTensor | undefined>;
}

async function run(
  states: StateStore,
  { network }: Member,
  sums: GradientSums,
  step: (inputs: BatchInputs) => { readonly loss: tf.Tensor },
): Promise<Found> {
  const labelled = { labels: { shape: [batch, ...targetShape(network)] } };
  const inputs = { images: { shape: [batch, ...network.input] }, ...labelled };
  const program = await compile(({ images, labels }) => ({ loss: step({ images, labels }).loss }), inputs, {
    target,
    states,
    checkDeterminism: false,
  });
  const { images, labels } = batches[taskOf(network) ?? 'classification'](network, batch, 1);
  const { loss } = await program.run({ images, labels });
  await program.dispose();
  const values = await states.snapshot();
  return {
    loss: loss.data[0],
    gradients: new Map([...sums.gradients].map(([name, sum]) => [name, values.get(sum.name)])),
  };
}

/** The network alone, with copies of its part of the weights. */
async function alone(member: Member, shared: Weights): Promise<Found> {
  const network = withoutDropout(member.network);
  const parts = weightSpecs(network).map(({ name, shape }) => {
    const whole = shared.get(sharedName(member, name));
    return [
      name,
      whole === undefined ? { shape, data: new Float32Array(product(shape)) } : slicedTo(whole, shape),
    ] as const;
  });
  const program = createNetworkProgram({
    ...learningFor(taskOf(network)),
    network,
    initial: new Map(parts),
  });
  const sums = new GradientSums(program.parameters);
  try {
    return await run(new StateStore(), member, sums, (inputs) => {
      const outputs = program.gradients(inputs);
      sums.add(outputs.grads);
      return outputs;
    });
  } finally {
    sums.dispose();
    program.dispose();
  }
}

const floats = (value: HostTensor | undefined): Float32Array => Float32Array.from(value?.data ?? []);
const nonzero = (data: ArrayLike<number>): number => Array.from(data).filter((value) => value !== 0).length;

/** Whether arrays differ by no more than sums in another order do. */
function isRounded(found: ArrayLike<number>, expected: ArrayLike<number>): boolean {
  const values = Array.from(expected, Number);
  const most = 1e-6 * Math.max(...values.map(Math.abs));
  return found.length === values.length && values.every((value, i) => Math.abs(found[i] - value) <= most);
}

/**
 * Members have the loss of the same network trained alone, bit for bit, and its gradients: some of them are summed in another order.
 * @param own of the task, beside ten classes
 */
export function describeMembers(
  name: string,
  config: SpaceConfig,
  own: Pick<Task, 'input' | 'maps'>,
  networks: number,
): void {
  describe(`members of a space with ${name}`, () => {
    beforeAll(async () => {
      await activateBackend();
      target = await resolveTarget();
    });

    test('have the loss of the network alone, bit for bit, and its gradients', async () => {
      const space = await makeSpace(config, { ...own, classes: 10 });
      const specs = sharedSpecs(space);
      const sandwich = createSandwich(space, { networks, hold: 1, sampling: 'uniform' }, seed);
      const program = createSupernetProgram({
        ...learningFor(own.maps),
        sandwich,
        shared: specs,
      });
      const states = new StateStore();
      const update = await compile(
        ({ learningRate }) => {
          program.update({ learningRate });
          return {};
        },
        { learningRate: { shape: [] } },
        { target, states, checkDeterminism: false },
      );
      // As a random member, the largest has no dropout, too.
      const members = sandwich.at(0).map((trainee) => ({ ...trainee, role: 'random1' }));
      expect(new Set(members.map(({ id }) => id)).size).toBe(networks + 2);
      for (const trainee of members) {
        const found = await run(states, trainee.member, program.sums, (inputs) => program.gradients(trainee, inputs));
        const expected = await alone(trainee.member, drawWeights(specs, seed));
        expect(found.loss, trainee.id).toBe(expected.loss);
        const alike = new Map(
          [...expected.gradients].map(([name, gradient]) => [
            `model/${sharedName(trainee.member, name.slice('model/'.length))}`,
            gradient,
          ]),
        );
        for (const [name, sum] of found.gradients) {
          const gradient = alike.get(name);
          const data = floats(sum);
          const part = gradient === undefined ? null : slicedTo({ shape: sum?.shape ?? [], data }, gradient.shape);
          expect(isRounded(part?.data ?? [], gradient?.data ?? []), `${trainee.id} ${name}`).toBe(true);
          // The rest of the shared weight has no gradient.
          expect(nonzero(data), `${trainee.id} ${name}`).toBe(nonzero(part?.data ?? []));
        }
        await update.run({ learningRate: 0 });
        for (const sum of program.sums.gradients.values())
          expect(nonzero(floats((await states.snapshot()).get(sum.name)))).toBe(0);
      }
      await update.dispose();
      program.dispose();
    });
  });
}
