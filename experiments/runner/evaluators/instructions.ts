import { messageOf, NasError } from '../../../base/errors.js';
import { countInstructions, timedProgram, type QemuCore } from '../../../deploy/index.js';
import type { ObjectiveValues, TrialRecord } from '../../../store/index.js';
import { valuesFrom } from '../../schema/measures.js';
import { candidateOnnx } from '../jobs/run-job.js';
import type { TrainingContext } from '../plan.js';

/** The result of an evaluation step; undefined when the user stopped the run. */
export type StepOutcome = { readonly values: ObjectiveValues } | { readonly failed: string } | undefined;

/** Counts the instructions of a trial's int8 program on this machine, with untrained weights, and stores them. */
export class InstructionStep {
  constructor(
    private readonly context: TrainingContext,
    private readonly core: QemuCore,
  ) {}

  async of(trial: TrialRecord): Promise<StepOutcome> {
    const { store, candidates, stopping } = this.context;
    const known = this.known(trial);
    if ('instructions' in known) return { values: known };
    try {
      const model = candidateOnnx({ network: candidates.network(trial.genotype), seed: trial.seed });
      const instructions = await countInstructions(await timedProgram(model, 'the network'), this.core);
      if (stopping()) return undefined;
      const values = valuesFrom('instructions', { instructions });
      // Stored at once, for a trial that continues after a pause or a kill.
      store.trials.revise(trial.number, values);
      return { values };
    } catch (error) {
      if (!(error instanceof NasError)) throw error;
      return { failed: `instructions: ${messageOf(error)}` };
    }
  }

  known({ number }: TrialRecord): ObjectiveValues {
    const value = this.context.store.trials.get(number)?.values['instructions'];
    return value === undefined ? {} : { instructions: value };
  }
}
