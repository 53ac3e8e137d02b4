import { NasError, messageOf } from '../../base/errors.js';
import { canonicalJson } from '../../base/hash.js';
import type { Store } from '../../store/index.js';
import { writeReports } from '../report/index.js';
import { Candidates } from './candidates.js';
import type { RunContext } from './context.js';
import type { RunObserver } from './events.js';
import { finishFrontier } from './finish.js';
import { LatencyService } from './latency.js';
import type { Plan } from './plan.js';
import { Pool } from './pool.js';
import { Search } from './search.js';
import { prepareTeacher } from './teacher.js';

/** How a run ended. */
export interface RunOutcome {
  readonly state: 'complete' | 'interrupted';
  readonly workdir: string;
}

/**
 * Brings a run from where its store says it stands to its end, or until `signal` is aborted.
 * @throws NasError `infeasible` when no candidate keeps the constraints; anything that ended the whole run.
 */
export async function execute(
  plan: Plan,
  store: Store,
  observe: RunObserver,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const { parallel, retries } = plan.experiment.search;
  const pool = new Pool({ size: parallel, retries });
  const context: RunContext = {
    plan,
    store,
    pool,
    candidates: new Candidates(plan),
    observe,
    stopping: () => signal.aborted,
  };
  const stop = () => {
    observe({ kind: 'stopping', message: 'Stopping: the workers write their checkpoints' });
    pool.stop();
  };
  signal.addEventListener('abort', stop, { once: true });
  const began = Date.now();
  try {
    await phases(context);
    return await end(context, signal.aborted ? 'interrupted' : 'complete', began);
  } catch (error) {
    if (signal.aborted) return await end(context, 'interrupted', began);
    store.run.setStatus(
      error instanceof NasError && error.code === 'infeasible' ? 'infeasible' : 'failed',
      messageOf(error),
    );
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await pool.close();
  }
}

async function phases(context: RunContext): Promise<void> {
  const { plan, observe } = context;
  const { train, final } = plan.experiment;
  const latency = new LatencyService(context);
  const teacher = await prepareTeacher(context, train);
  if (context.stopping()) return;
  await latency.calibrate();
  if (context.stopping()) return;
  const { trials, controller } = plan.experiment.search;
  observe({ kind: 'phase', name: 'search', message: `Searching: ${trials} trials, ${controller}` });
  await new Search(context, latency, teacher).run();
  if (context.stopping()) return;
  latency.reportQuality();
  // The full schedule may show other views of the images, which the teacher has not been asked about yet.
  const sameViews =
    final === null || canonicalJson([train.augment, train.loss]) === canonicalJson([final.augment, final.loss]);
  await finishFrontier(context, latency, sameViews ? teacher : await prepareTeacher(context, final));
}

async function end(
  { plan, store, observe }: RunContext,
  state: RunOutcome['state'],
  began: number,
): Promise<RunOutcome> {
  store.run.setStatus(state);
  const files = await report(store, plan.workdir, observe);
  const { complete, pruned, failed } = store.trials.progress();
  const seconds = (Date.now() - began) / 1000;
  observe({ kind: 'done', state, workdir: plan.workdir, complete, pruned, failed, seconds, files });
  return { state, workdir: plan.workdir };
}

/** Writes the report. The results are in the store: a picture that cannot be drawn must not turn them into a failed run. */
export function report(store: Store, workdir: string, observe: RunObserver): Promise<readonly string[]> {
  return writeReports(store, workdir).catch((error: unknown) => {
    observe({ kind: 'warning', message: `the report could not be written: ${messageOf(error)}` });
    return [];
  });
}
