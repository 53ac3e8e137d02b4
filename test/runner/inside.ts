import { setImmediate } from 'node:timers/promises';
import PQueue from 'p-queue';
import { expect } from 'vitest';
import { NasError } from '../../base/errors.js';
import { loadExperiment, type LoadedExperiment } from '../../experiments/parse/index.js';
import { resumeExperiment, runExperiment, type RunOptions } from '../../runner/index.js';
import type { CreateJobRunner } from '../../runner/job-runners.js';
import { type RunEvent, type RunObserver } from '../../runner/events.js';
import type { JobListener, JobOrder, JobRunner, SubmittedJob } from '../../runner/jobs/job-runner.js';
import type { Job, ResultOf } from '../../runner/jobs/jobs.js';
import { fromPlainError, toPlainError } from '../../runner/jobs/messages.js';
import { runJob } from '../../runner/jobs/run-job.js';
import { quickProtocol } from '../latency-models/devices/quick-protocol.js';
import { requireSameRefusal } from '../cli/nas.js';
import { findings } from './findings.js';

/** A job with a quick protocol: the tests of runs do not depend on the precision of latencies. */
const briefly = <J extends Job>(job: J): J => (job.kind === 'measure' ? { ...job, protocol: quickProtocol } : job);

/**
 * Runs the jobs of a run in this process, one after the other, without starting processes that load TF.js. Jobs and errors
 * are copied as between processes.
 */
class InsideRunner implements JobRunner {
  private readonly queue = new PQueue({ concurrency: 1 });
  private readonly submitted = new Map<string, AbortController>();
  private stopped = false;

  submit<J extends Job>({ id, job }: JobOrder<J>, listener: JobListener = {}): SubmittedJob<ResultOf<J>> {
    if (this.submitted.has(id)) throw new Error(`the job ${id} is submitted already`);
    const cancelling = new AbortController();
    const { signal } = cancelling;
    this.submitted.set(id, cancelling);
    if (this.stopped) cancelling.abort();
    const result = this.queue.add(async () => {
      if (signal.aborted) throw new NasError('interrupted', 'the job was cancelled');
      listener.started?.({ index: 0 });
      const context = {
        onEvent: (event: Parameters<NonNullable<JobListener['event']>>[0]) => listener.event?.(structuredClone(event)),
        signal,
        pause: () => setImmediate(),
      };
      try {
        return structuredClone(await runJob<J['kind']>(briefly(structuredClone(job)), context));
      } catch (error) {
        throw fromPlainError(toPlainError(error));
      }
    });
    return { result: result.finally(() => this.submitted.delete(id)), cancel: () => cancelling.abort() };
  }

  stop(): void {
    this.stopped = true;
    for (const cancelling of this.submitted.values()) cancelling.abort();
  }

  async close(): Promise<void> {
    this.stop();
    await this.queue.onIdle();
  }
}

export const inside = (): JobRunner => new InsideRunner();

/** As `inside`, but jobs for which `failureOf` gives an error fail with it. */
export function insideExcept(failureOf: (order: JobOrder, listener?: JobListener) => Error | undefined): JobRunner {
  const jobs = inside();
  return {
    submit(order, listener) {
      const error = failureOf(order, listener);
      if (error === undefined) return jobs.submit(order, listener);
      return { result: Promise.reject(error), cancel: () => undefined };
    },
    stop: () => jobs.stop(),
    close: () => jobs.close(),
  };
}

/** As `inside`; it appends the kind of each job. */
export const insideWith = (kinds: Job['kind'][]): JobRunner => insideExcept(({ job }) => void kinds.push(job.kind));

/** Runs an experiment, and stops it at an event that `isLast` accepts. @returns its events */
export async function interrupted(
  loaded: LoadedExperiment,
  workdir: string,
  isLast: (event: RunEvent) => boolean,
  workers: CreateJobRunner = inside,
): Promise<RunEvent[]> {
  const stop = new AbortController();
  const events: RunEvent[] = [];
  const { state } = await runExperiment(loaded, { workdir, signal: stop.signal, workers }, (event) => {
    events.push(event);
    if (isLast(event)) stop.abort();
  });
  expect(state).toBe('interrupted');
  return events;
}

/** Accepts the event with which so many trials have finished. */
export function trialsFinished(count: number): (event: RunEvent) => boolean {
  let finished = 0;
  return ({ kind }) => kind === 'trial-finished' && ++finished === count;
}

/** The texts of events: notes and warnings, or one kind. */
export const messagesOf = (events: readonly RunEvent[], kinds: readonly RunEvent['kind'][] = ['note', 'warning']) =>
  events.flatMap((event) => (kinds.includes(event.kind) && 'message' in event ? [event.message ?? ''] : []));

interface InsideOptions extends Pick<RunOptions, 'report'> {
  /** Assignments, as after `--set`. */
  readonly set?: readonly string[];
  readonly observe?: RunObserver;
}

/**
 * Runs an experiment to its end inside this process, without a report unless it is given how to draw one. What is refused before
 * anything is written, `nas validate` must refuse, too.
 * @returns its findings and its events.
 */
export async function runInside(
  file: string,
  workdir: string,
  { set = [], observe = () => undefined, ...options }: InsideOptions = {},
) {
  const events: RunEvent[] = [];
  const loaded = loadExperiment(file, { set: [...set] });
  const started = { ...options, workdir, workers: inside };
  const { state } = await runExperiment(loaded, started, (event) => {
    events.push(event);
    observe(event);
  }).catch(async (error: unknown) => {
    if (error instanceof NasError)
      await requireSameRefusal({ file, set, workdir, code: error.exitCode, says: error.message });
    throw error;
  });
  expect(state).toBe('complete');
  return { expected: findings(workdir), events };
}

export async function resumeInside(workdir: string): Promise<void> {
  const { state } = await resumeExperiment(workdir, { workers: inside }, () => undefined);
  expect(state).toBe('complete');
}

/** Interrupts a run inside this process after so many trials, and resumes it. @returns its findings. */
export async function interruptInside(file: string, workdir: string, trials: number) {
  await interrupted(loadExperiment(file), workdir, trialsFinished(trials));
  await resumeInside(workdir);
  return findings(workdir);
}
