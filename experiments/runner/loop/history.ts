import type { Objective, Told, Values } from '../../../search/index.js';
import type { TrialRecord } from '../../../store/index.js';
import type { Known, StepLog } from './step-log.js';

const isTold = (state: TrialRecord['state']): state is Told['state'] => state !== 'waiting' && state !== 'running';

/** What the controller is told of the trials so far: of each, what its latest known step came to. */
export class History {
  /** What was told, kept: the same history is then the same objects, which a controller need not read again. */
  private readonly kept = new Map<number, { readonly step: number; readonly told: Told }>();

  /** @param epochs of a whole training. */
  constructor(
    private readonly log: StepLog,
    private readonly objectives: readonly Objective[],
    private readonly epochs: number,
  ) {}

  /** The trials of which something is known, as they are told, and the others. */
  at(trials: readonly TrialRecord[], known: Known): [told: Told[], pending: TrialRecord[]] {
    const told: Told[] = [];
    const pending: TrialRecord[] = [];
    for (const trial of trials) {
      const step = this.log.latest(trial.number, known);
      if (step === undefined) pending.push(trial);
      else told.push(this.tell(trial, step));
    }
    return [told, pending];
  }

  private tell(trial: TrialRecord, step: number): Told {
    const kept = this.kept.get(trial.number);
    if (kept?.step === step) return kept.told;
    const told = this.read(trial, step);
    this.kept.set(trial.number, { step, told });
    return told;
  }

  private read({ number, genotype, state, told }: TrialRecord, step: number): Told {
    const values = this.log.valuesAfter(step);
    const done = this.log.at(step)?.epochs ?? this.epochs;
    const rungs = this.log
      .rungsOf(number, step)
      .flatMap((rung) =>
        rung.epochs < this.epochs ? [{ share: rung.epochs / this.epochs, values: rung.values }] : [],
      );
    const trained = rungs.length === 0 ? {} : { rungs };
    if (values !== null && done < this.epochs)
      return { number, genotype, state: 'pruned', values: this.exact(values), ...trained };
    if (!isTold(state)) throw new Error(`trial ${number} is ${state} and has nothing to tell`);
    return { number, genotype, state, values: told, ...trained };
  }

  /** Without the values that the rest of the training would change. */
  private exact(values: Values): Values {
    const learned = new Set(this.objectives.filter(({ cost }) => cost === 'expensive').map(({ name }) => name));
    return Object.fromEntries(Object.entries(values).filter(([name]) => !learned.has(name)));
  }
}
