import { isInterruption, messageOf, NasError } from '../base/errors.js';
import { mostFrequent } from '../base/text.js';
import { controllerTitle, type Objective, violated } from '../search/index.js';
import type { Store, TrialRecord } from '../store/index.js';
import { frontierCandidates, plainValues } from './stored/candidates.js';
import { assignmentsOf, hostShares } from './stored/workers.js';
import { RunBudget } from './budget/run-budget.js';
import type { Evaluator } from './evaluators/evaluator.js';
import { TableEvaluator } from './evaluators/table.js';
import { TrainingEvaluator } from './evaluators/training.js';
import type { RunObserver } from './events.js';
import type { CreateJobRunner } from './job-runners.js';
import type { Plan, RunContext } from './plan.js';
import { writeReport, type DrawReport } from './report.js';
import { limitsIn } from '../experiments/schema/run-experiment.js';
import { Search } from './search/search.js';
import { stopSignal } from './stop.js';
import { outOfTime } from './working-time.js';

export interface RunOutcome {
  readonly state: 'complete' | 'interrupted';
  readonly workdir: string;
}

interface ExecuteOptions {
  readonly observe: RunObserver;
  /** Aborted: checkpoint and stop; so does a request in the workdir (`requestStop`). */
  readonly signal: AbortSignal;
  readonly workers: CreateJobRunner;
  /** Draws the report when the run ends; absent: none. */
  readonly report?: DrawReport | undefined;
}

/**
 * Brings a run from its stored state to its end, or until `signal` is aborted.
 * @throws NasError `infeasible` when no candidate keeps the constraints; any error that ended the whole run.
 */
export async function execute(
  plan: Plan,
  store: Store,
  { observe: told, signal: asked, workers, report }: ExecuteOptions,
): Promise<RunOutcome> {
  if (plan.kind === 'study') throw new Error('programs evaluate the networks of a study');
  const budget = plan.kind === 'training' ? RunBudget.of(plan, store) : undefined;
  const observe: RunObserver = (event) =>
    told(event.kind === 'progress' && budget !== undefined ? { ...event, budgetSeconds: budget.left } : event);
  observe({ kind: 'begun', workdir: plan.workdir });
  const { clock } = plan;
  const { signal, end: release } = stopSignal(plan.workdir, asked);
  const context: RunContext = {
    plan,
    store,
    observe,
    stopping: () => signal.aborted,
    outOfTime: outOfTime(plan.experiment, store, clock),
    budget,
  };
  const evaluator: Evaluator =
    plan.kind === 'table'
      ? new TableEvaluator(context, plan)
      : await TrainingEvaluator.with(workers, context, plan).catch((error: unknown) => {
          release();
          throw error;
        });
  const stop = () => {
    observe({ kind: 'stopping', message: 'Stopping: the workers write their checkpoints' });
    evaluator.stop?.();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const began = clock();
  const end = async (state: RunOutcome['state']): Promise<RunOutcome> => {
    const { workdir } = plan;
    store.run.setStatus(state);
    const files = await writeReport(store, workdir, report, observe);
    const { complete, pruned, failed } = store.trials.progress();
    const seconds = (clock() - began) / 1000;
    const hosts = hostShares(assignmentsOf(store));
    const shares = hosts.length > 0 && { hosts };
    observe({ kind: 'done', state, workdir, complete, pruned, failed, seconds, files, ...shares });
    return { state, workdir };
  };
  try {
    await phases(context, evaluator);
    return await end(signal.aborted ? 'interrupted' : 'complete');
  } catch (error) {
    if (signal.aborted && isInterruption(error)) return await end('interrupted');
    const status = error instanceof NasError && error.code === 'infeasible' ? 'infeasible' : 'failed';
    try {
      store.run.setStatus(status, messageOf(error));
    } catch {
      // A full disk, say: the user should hear of the first error.
    }
    // The report shows the results so far.
    await writeReport(store, plan.workdir, report, observe);
    throw error;
  } finally {
    release();
    await evaluator.close?.();
  }
}

async function phases(context: RunContext, evaluator: Evaluator): Promise<void> {
  const { plan, store, observe, stopping } = context;
  await evaluator.prepare?.();
  if (stopping()) return;
  const { objectives, search } = plan.experiment;
  const limits = limitsIn(plan.experiment);
  const { budget } = context;
  const message = `Searching: ${budget === undefined ? '' : 'about '}${budget?.trials ?? search.trials} trials, ${controllerTitle(search)}`;
  observe({ kind: 'phase', name: 'search', message });
  await (await Search.of(context, evaluator)).run();
  if (context.outOfTime?.() === true)
    observe({ kind: 'note', message: `The search ends after its ${search.stop?.hours ?? 0} hours` });
  if (stopping()) return;
  budget?.endSearch(observe);
  requireResult(store.trials.all(), objectives, limits);
  await evaluator.finish?.();
  // Measured side by side, a network may break constraints that it kept before.
  if (!stopping()) requireResult(store.trials.all(), objectives, limits);
}

/**
 * Requires a trial on the frontier.
 * @throws NasError `infeasible` when trials break a constraint; `failure` when all others failed.
 */
export function requireResult(
  trials: readonly TrialRecord[],
  objectives: readonly Objective[],
  limits: readonly Objective[] = [],
): void {
  if (trials.length === 0 || frontierCandidates(trials, objectives).length > 0) return;
  const failures = failuresOf(trials);
  const broken = [...objectives, ...limits].flatMap((bounded) => brokenBy(trials, bounded));
  if (broken.length > 0) {
    const parts = [`none of ${trials.length} trials keeps the constraints: ${broken.join(', ')}`, ...failures];
    throw new NasError('infeasible', parts.join('; '), {
      hint: 'Relax the constraint, or give the space smaller (or larger) choices.',
    });
  }
  const stopped = trials.filter(({ state }) => state === 'pruned').length;
  const others = stopped === 0 ? [] : [`${stopped} were stopped early`];
  throw new NasError('failure', [...failures, ...others].join('; '), {
    hint: 'nas trials lists them; when the cause is gone, nas run --fresh starts over.',
  });
}

/** `all 5 trials failed; trial 1: out of memory (the reason of 4)`; empty when none failed. */
function failuresOf(trials: readonly TrialRecord[]): string[] {
  const failed = trials.filter(({ state }) => state === 'failed');
  const reasons = failed.map(({ message }) => message ?? 'no reason was recorded');
  const most = mostFrequent(reasons);
  if (most === undefined) return [];
  const all = trials.length === 1 ? 'the only trial failed' : `all ${trials.length} trials failed`;
  const some = `${failed.length} of ${trials.length} trials failed`;
  const times = most.count === 1 ? '' : ` (the reason of ${most.count})`;
  const first = failed[reasons.indexOf(most.text)].number;
  return [failed.length === trials.length ? all : some, `trial ${first}: ${most.text}${times}`];
}

const short = (value: number): string => String(Number(value.toPrecision(6)));

/** How many trials broke an objective's constraint, and how close they came. */
function brokenBy(trials: readonly TrialRecord[], objective: Objective): string[] {
  const { name, constraint: { min, max } = {} } = objective;
  const values = trials.map((trial) => plainValues(trial.values)).filter((each) => name in each);
  const bad = values.filter((each) => violated([objective], each).length > 0).map((each) => each[name]);
  if (bad.length === 0) return [];
  const [low, high] = [Math.min(...bad), Math.max(...bad)];
  const closest = [
    ...(max !== undefined && high > max ? [`smallest ${short(low)}, max ${short(max)}`] : []),
    ...(min !== undefined && low < min ? [`largest ${short(high)}, min ${short(min)}`] : []),
  ];
  return [`${name} of ${bad.length} (${closest.join('; ')})`];
}
