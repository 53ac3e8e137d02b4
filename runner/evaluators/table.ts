import type { ObjectiveValue, Outcome, TrialRecord } from '../../store/index.js';
import type { StoredRow } from '../stored/candidates.js';
import { cheapResults, resultsOf } from '../models/table-results.js';
import type { RunContext, TablePlan } from '../plan.js';
import type { Evaluator, Preview } from './evaluator.js';

const defaultSeconds = 1;

/** Looks candidates up in a table of results, in simulated time: nothing is trained, and no real time passes. */
export class TableEvaluator implements Evaluator {
  /** One for the whole run: the cheap results never change. */
  private readonly known: Preview;

  constructor(
    private readonly context: RunContext,
    private readonly plan: TablePlan,
  ) {
    const { results, experiment } = plan;
    const { table } = results;
    const cheap = cheapResults(results, experiment.objectives);
    this.known = {
      cheap: (genotype) => resultsOf(cheap, genotype),
      describe: (genotype) => {
        const row: StoredRow = { kind: 'row', file: table.file, line: table.lineOf(table.rowOf(genotype)) };
        return { network: row };
      },
    };
  }

  preview(): Preview {
    return this.known;
  }

  async evaluate({ number, genotype, startedAt }: TrialRecord): Promise<Outcome | undefined> {
    const { results, simulation } = this.plan;
    const { table, seconds } = results;
    const row = table.rowOf(genotype);
    if (startedAt === null) this.context.store.trials.start(number);
    const began = startedAt ?? simulation.now();
    await simulation.until(began + 1000 * (seconds?.[row] ?? defaultSeconds));
    // The trial stays running: when the run resumes, it ends at the same simulated moment.
    if (this.context.stopping()) return undefined;
    const entries = Object.entries(resultsOf(results, genotype));
    const known = entries.filter(([, value]) => Number.isFinite(value));
    const values = Object.fromEntries(
      known.map(([name, value]): [string, ObjectiveValue] => [name, { value, provenance: 'imported' }]),
    );
    if (known.length === entries.length) return { state: 'complete', values };
    const missing = entries.filter(([, value]) => !Number.isFinite(value)).map(([name]) => name);
    return { state: 'failed', values, message: `${missing.join(', ')}: not a number in line ${table.lineOf(row)}` };
  }
}
