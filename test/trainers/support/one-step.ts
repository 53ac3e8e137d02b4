import type { Target } from '../../../compiler/index.js';
import { CompiledTraining, readStates } from '../../../trainers/engines/compiled.js';
import {
  activateBackend,
  type EngineBatch,
  type EngineState,
  type ProgramSpec,
} from '../../../trainers/engines/index.js';
import { createNetworkProgram } from '../../../trainers/engines/network-program.js';
import { placementOf, type Placement } from '../../compiler/support/placement.js';

/** The result of one training step from the initial weights. */
export interface OneStep {
  readonly loss: number;
  readonly states: EngineState;
  readonly placement: Placement;
}

/** Trains one step on a target. */
export async function oneStep(
  spec: () => ProgramSpec,
  target: Target,
  batch: EngineBatch,
  size: number,
): Promise<OneStep> {
  await activateBackend();
  const program = createNetworkProgram(spec());
  const training = new CompiledTraining(program, { target, batch: size });
  try {
    const step = await training.compileStep();
    const feeds = training.feeds({ batch, learningRate: 0.05 }, 0);
    const { loss } = await step.run(feeds, 0);
    const states = await readStates(training.states, program.states);
    const placement = await placementOf(step, feeds);
    await step.dispose();
    return { loss: loss.data[0], states, placement };
  } finally {
    program.dispose();
  }
}

/**
 * How far the states that a predicate takes are from what they should be: the Euclidean norm of the differences, of all of
 * them together, against that of the values. Tensor by tensor it would mean nothing: the gradient of a bias before a batch
 * norm is zero but for rounding.
 */
export function relativeDistance(actual: EngineState, expected: EngineState, of: (name: string) => boolean): number {
  let [difference, norm] = [0, 0];
  for (const [name, { data }] of expected)
    if (of(name))
      for (const [i, value] of data.entries()) {
        difference += ((actual.get(name)?.data[i] ?? NaN) - value) ** 2;
        norm += value ** 2;
      }
  return Math.sqrt(difference / norm);
}
