import { NasError, messageOf } from '../../base/errors.js';
import { controllerTitle } from '../../search/index.js';
import type { Store } from '../../store/index.js';
import { outOfTime } from './budget.js';
import type { RunContext } from './context.js';
import { createEvaluator, type Evaluator } from './loop/evaluators/index.js';
import type { RunObserver } from './events.js';
import type { CreateJobRunner } from './jobs/local-pool.js';
import { sharesOf, takingsOf } from './jobs/taken.js';
import { clockOf, type Plan } from './plan.js';
import { Search } from './loop/search.js';
import { writeReport, type DrawReport } from './reports.js';
import { requireResult } from './verdict.js';

/** How a run ended. */
export interface RunOutcome {
  readonly state: 'complete' | 'interrupted';
  readonly workdir: string;
}

export interface ExecuteOptions {
  readonly observe: RunObserver;
  /** Aborted: checkpoint and stop. */
  readonly signal: AbortSignal;
  readonly workers: CreateJobRunner;
  /** What is drawn of the run when it ends; absent: nothing. */
  readonly report?: DrawReport | undefined;
}

/**
 * Brings a run from where its store says it stands to its end, or until `signal` is aborted.
 * @throws NasError `infeasible` when no candidate keeps the constraints; anything that ended the whole run.
 */
export async function execute(
  plan: Plan,
  store: Store,
  { observe, signal, workers, report }: ExecuteOptions,
): Promise<RunOutcome> {
  const stopping = () => signal.aborted;
  const context: RunContext = {
    plan,
    store,
    observe,
    stopping,
    outOfTime: outOfTime(plan.experiment, store, clockOf(plan)),
  };
  const evaluator = await createEvaluator(plan, context, workers);
  const stop = () => {
    observe({ kind: 'stopping', message: 'Stopping: the workers write their checkpoints' });
    evaluator.stop();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const began = clockOf(plan)();
  try {
    await phases(context, evaluator);
    return await end(plan, context, { state: signal.aborted ? 'interrupted' : 'complete', began, report });
  } catch (error) {
    if (signal.aborted) return await end(plan, context, { state: 'interrupted', began, report });
    try {
      store.run.setStatus(
        error instanceof NasError && error.code === 'infeasible' ? 'infeasible' : 'failed',
        messageOf(error),
      );
    } catch {
      // A full disk: what ended the run is what the user should hear of.
    }
    // What was found so far is worth a look all the same.
    await writeReport(store, plan.workdir, report, observe);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await evaluator.close();
  }
}

async function phases(context: RunContext, evaluator: Evaluator): Promise<void> {
  const { plan, store, observe, stopping } = context;
  await evaluator.prepare();
  if (stopping()) return;
  const { objectives, search } = plan.experiment;
  const message = `Searching: ${search.trials} trials, ${controllerTitle(search)}`;
  observe({ kind: 'phase', name: 'search', message });
  await (await Search.of(context, evaluator)).run();
  if (context.outOfTime?.() === true)
    observe({ kind: 'note', message: `The search ends after its ${search.stop?.hours ?? 0} hours` });
  if (stopping()) return;
  requireResult(store.trials.all(), objectives);
  await evaluator.finish();
  // What is measured side by side may break the constraints that the same network kept before.
  if (!stopping()) requireResult(store.trials.all(), objectives);
}

interface Ending extends Pick<ExecuteOptions, 'report'> {
  readonly state: RunOutcome['state'];
  /** By the run's clock, in ms since 1970. */
  readonly began: number;
}

async function end(plan: Plan, { store, observe }: RunContext, { state, began, report }: Ending): Promise<RunOutcome> {
  store.run.setStatus(state);
  const files = await writeReport(store, plan.workdir, report, observe);
  const { complete, pruned, failed } = store.trials.progress();
  const seconds = (clockOf(plan)() - began) / 1000;
  const hosts = sharesOf(takingsOf(store));
  const told = { state, workdir: plan.workdir, complete, pruned, failed, seconds, files };
  observe({ kind: 'done', ...told, ...(hosts.length > 0 && { hosts }) });
  return { state, workdir: plan.workdir };
}
