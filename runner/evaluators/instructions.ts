import { messageOf } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import type { QemuCore } from '../../deploy/index.js';
import type { ObjectiveValues, TrialRecord } from '../../store/index.js';
import { valuesFrom } from '../../experiments/schema/measures.js';
import { JobFailed } from '../jobs/job-runner.js';
import type { InstructionsResult } from '../jobs/jobs.js';
import type { TrainingContext } from '../plan.js';

/** The result of an evaluation step; undefined when the user stopped the run. */
export type StepOutcome = { readonly values: ObjectiveValues } | { readonly failed: string } | undefined;

/** Has the instructions of a trial's int8 program counted, with untrained weights, and stores them. */
export class InstructionStep {
  constructor(
    private readonly context: TrainingContext,
    private readonly core: QemuCore,
  ) {}

  async of(trial: TrialRecord): Promise<StepOutcome> {
    const { store, stopping } = this.context;
    const known = this.known(trial);
    if ('instructions' in known) return { values: known };
    const result = await this.count(trial);
    if (stopping()) return undefined;
    if ('failed' in result) return { failed: `instructions: ${result.failed}` };
    const values = valuesFrom('instructions', result);
    // Stored at once, for a trial that continues after a pause or a kill.
    store.trials.revise(trial.number, values);
    return { values };
  }

  private async count({ genotype, seed }: TrialRecord): Promise<InstructionsResult> {
    const { jobs, candidates } = this.context;
    const candidate = { network: candidates.network(genotype), seed };
    const job = { kind: 'instructions', candidate, core: this.core } as const;
    try {
      return await jobs.submit({ id: `instructions/${contentHash(candidate)}`, job, sharing: 'shared' }).result;
    } catch (error) {
      if (!(error instanceof JobFailed)) throw error;
      return { failed: messageOf(error) };
    }
  }

  known({ number }: TrialRecord): ObjectiveValues {
    const value = this.context.store.trials.get(number)?.values['instructions'];
    return value === undefined ? {} : { instructions: value };
  }
}
