import type { Network } from '../../../spaces/index.js';
import { weightSpecs } from '../../../spaces/models/index.js';
import { planNetwork } from '../../native/index.js';
import { freshWeights } from '../../weights.js';
import type { TrainingEngine } from '../engine.js';
import type { ProgramSpec } from '../network-program.js';
import { staysOf } from '../variables.js';
import { learningOf, sliceIn } from './learning.js';
import { compileTail } from './tail.js';
import {
  chunks,
  featuresOf,
  type NativeOptions,
  type NativePlan,
  NativeTraining,
  type Unsupported,
} from './training.js';

type NativeSpec = ProgramSpec & { readonly network: Network };

const isOfSpace = (spec: ProgramSpec): spec is NativeSpec => !('apply' in spec.network);

/** The plan of a training, or why the engine does not train it. */
export function planNative(spec: ProgramSpec, batch: number): NativePlan | Unsupported {
  if (!isOfSpace(spec)) return { unsupported: 'the network comes from a file' };
  const { network } = spec;
  const specs = weightSpecs(network);
  const start = spec.initial ?? freshWeights(specs, spec.seed, spec.stem);
  const frozen = new Set(specs.filter(staysOf({ ...spec, start })).map(({ name }) => name));
  const passes = planNetwork(network, { batch, chunks, frozen, frozenNorms: spec.frozenNorms });
  if ('unsupported' in passes) return passes;
  const learning = learningOf(spec, { specs, start, arrays: passes });
  const { forward, backward } = passes.passes;
  const updates = [...learning.updates.passes, ...(learning.average?.passes ?? [])];
  return { learning, network, passes, training: [forward, [...backward, ...updates]] };
}

/** An engine of a training that `planNative` has planned. */
export async function createNativeEngine(plan: NativePlan, options: NativeOptions): Promise<TrainingEngine> {
  const { learning, network, passes } = plan;
  const { batch } = options;
  const { images, features, featureGradients, gradients } = passes;
  const width = featuresOf(passes, batch);
  const tail = await compileTail(network, learning.spec, { batch, width, isTrained: (name) => gradients.has(name) });
  const training = await NativeTraining.open(plan, options);
  const { program } = training;
  return training.engine(
    async ({ batch: own, learningRate }, step) => {
      program.view(images).set(own.images);
      await program.run(0, 0, batch);
      const result = await tail.gradients(program.view(features), own, training.headOf(network), step);
      program.view(featureGradients).set(result.features);
      for (const [name, gradient] of result.weights) program.view(sliceIn(gradients, name)).set(gradient);
      training.prepare(learningRate, step);
      await program.run(0, 1, batch);
      return { loss: result.loss, correct: result.correct };
    },
    () => tail.dispose(),
  );
}
