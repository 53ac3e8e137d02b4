import { messageOf, NasError } from '../../base/errors.js';
import { controllerTitle, type Objective, violated } from '../../search/index.js';
import type { Store, TrialRecord } from '../../store/index.js';
import { outOfTime } from './stored-experiment.js';
import { clockOf, type Plan, type RunContext } from './plan.js';
import type { Evaluator } from './evaluators/evaluator.js';
import { TableEvaluator } from './evaluators/table.js';
import { TrainingEvaluator } from './evaluators/training.js';
import type { RunObserver } from './events.js';
import type { CreateJobRunner } from './jobs/local-pool.js';
import { hostShares, assignmentsOf } from '../stored/workers.js';
import { Search } from './search/search.js';
import { writeReport, type DrawReport } from './report.js';
import { frontierCandidates, plainValues } from '../stored/candidates.js';

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
  const evaluator: Evaluator =
    plan.kind === 'table' ? new TableEvaluator(context, plan) : await TrainingEvaluator.with(workers, context, plan);
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
  const hosts = hostShares(assignmentsOf(store));
  const told = { state, workdir: plan.workdir, complete, pruned, failed, seconds, files };
  observe({ kind: 'done', ...told, ...(hosts.length > 0 && { hosts }) });
  return { state, workdir: plan.workdir };
}

/**
 * What a search without any result ends with.
 * @throws NasError `infeasible` when trials break a constraint; `failure` when all others failed.
 */
export function requireResult(trials: readonly TrialRecord[], objectives: readonly Objective[]): void {
  if (trials.length === 0 || frontierCandidates(trials, objectives).length > 0) return;
  const failures = failuresOf(trials);
  const broken = objectives.flatMap((objective) => brokenBy(trials, objective));
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

/** `all 5 trials failed; trial 1: out of memory (the reason of 4)`; nothing when none failed. */
function failuresOf(trials: readonly TrialRecord[]): string[] {
  const failed = trials.filter(({ state }) => state === 'failed');
  if (failed.length === 0) return [];
  const all = trials.length === 1 ? 'the only trial failed' : `all ${trials.length} trials failed`;
  const some = `${failed.length} of ${trials.length} trials failed`;
  return [failed.length === trials.length ? all : some, mostFrequent(failed)];
}

/** The reason that most failures share; numbers in it (a step, an address) may differ. */
function mostFrequent(failed: readonly TrialRecord[]): string {
  const kindOf = ({ message }: TrialRecord): string => message?.replaceAll(/\d+/g, '0') ?? '';
  const counts = new Map<string, number>();
  for (const trial of failed) counts.set(kindOf(trial), (counts.get(kindOf(trial)) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const first = failed.find((trial) => counts.get(kindOf(trial)) === most) ?? failed[0];
  const times = most === 1 ? '' : ` (the reason of ${most})`;
  return `trial ${first.number}: ${first.message ?? 'no reason was recorded'}${times}`;
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
