import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { invalidInput } from '../base/errors.js';
import type { LoadedExperiment } from '../experiments/parse/load.js';
import { collectFrontier, collectRun, collectTrials } from '../reports/read-model/run.js';
import type { ReportTrial, RunSummary } from '../reports/read-model/data.js';
import { enqueueIn, type EnqueuedNetwork } from '../runner/enqueue.js';
import type { RunEvent, RunObserver } from '../runner/events.js';
import type { RunOutcome } from '../runner/execute.js';
import { resumeExperiment, runExperiment } from '../runner/run.js';
import { databasePath, defaultWorkdir, frontierModel, hasRun } from '../runner/stored/workdir.js';
import type { Choice } from '../spaces/index.js';
import { Store } from '../store/index.js';
import { jobQueue } from '../workers/index.js';
import { followed } from './followed.js';
import { drawReport } from './report.js';

type EventOf<K extends RunEvent['kind']> = Extract<RunEvent, { readonly kind: K }>;

/** What happens in a run, as it happens. Listeners must not throw, and return at once. */
export interface RunListeners {
  /** A trial has its outcome, of the search or of the final training (`stage`). */
  trial?(trial: EventOf<'trial-finished'>): void;
  /** How far a phase is: images converted, trials finished. */
  progress?(progress: EventOf<'progress'>): void;
  /** Every event, these included. */
  event?(event: RunEvent): void;
}

interface ContinueOptions {
  /** Aborted: the run writes checkpoints and stops; `resume` continues it. */
  readonly signal?: AbortSignal | undefined;
  readonly on?: RunListeners;
  /** Continue although latency is now measured on another device, or otherwise than before. Default: false. */
  readonly acceptEnvironment?: boolean;
  /**
   * Continue although images, the teacher or other files that the run reads have changed. The results so far move to
   * `generations/` in its folder, and the search begins anew. Default: false.
   */
  readonly acceptData?: boolean;
}

/** Options of `run`. */
export interface StartOptions extends ContinueOptions {
  /** Folder of everything that the run writes. Default: `runs/<name>`. */
  readonly workdir?: string | undefined;
  /** Deletes an earlier run in the workdir. Default: false. */
  readonly fresh?: boolean;
}

/** Options of `resume`. */
export interface ResumeOptions extends ContinueOptions {
  /** Trials in all (`70`), or further ones (`+20`); also of a run that is complete. Default: as many as it has. */
  readonly trials?: string | undefined;
  /** The workers from here on: `pool`, or the address of a queue. Default: as before. */
  readonly workers?: string | undefined;
  /** Where the same images are now (`data.path`). Default: where they were. */
  readonly data?: string | undefined;
}

/** A member of the frontier. */
export interface FrontierMember extends ReportTrial {
  /** Its trained network as an ONNX file; null where the run has written none. */
  readonly file: string | null;
}

/** A run in its workdir: complete, interrupted, or going on, here or in another process. */
export class Run {
  constructor(readonly workdir: string) {}

  /** Name, status, and counts of trials: `nas status --json`. */
  status(): RunSummary {
    return this.read(collectRun);
  }

  /** All trials asked so far, in order. */
  trials(): readonly ReportTrial[] {
    return this.read((store) => collectTrials(store));
  }

  /** The Pareto frontier so far, along the second objective (the first when there is only one). */
  frontier(): readonly FrontierMember[] {
    return this.read(collectFrontier).map((member) => {
      const file = join(this.workdir, frontierModel(member.number, member.precision ?? 'fp32'));
      return { ...member, file: existsSync(file) ? file : null };
    });
  }

  /**
   * Has the run try a network next, before the proposals of its controller.
   * @param choices the choice of each decision; the others are drawn at random.
   * @param name in reports; default: a number.
   * @throws NasError `invalid-input`, and stores nothing, when a name or a choice is not of the space, or the network was
   *   asked or enqueued before.
   */
  enqueue(choices: Readonly<Record<string, Choice>>, name?: string): Promise<EnqueuedNetwork> {
    return enqueueIn(this.workdir, choices, name);
  }

  private read<T>(task: (store: Store) => T): T {
    using store = Store.open(databasePath(this.workdir), { readonly: true });
    return task(store);
  }
}

/** What a run came to. */
export interface RunResult {
  /** `interrupted`: its signal was aborted; `resume` continues it. */
  readonly state: RunOutcome['state'];
  readonly workdir: string;
  readonly frontier: readonly FrontierMember[];
}

/** A run that goes on in this process. */
export class RunningRun extends Run {
  /**
   * @param result when it is complete or interrupted. Rejects with NasError: `infeasible` when no network keeps the
   *   constraints, any other error that ends the whole run.
   */
  constructor(
    workdir: string,
    readonly result: Promise<RunResult>,
  ) {
    super(workdir);
  }
}

/**
 * Runs an experiment, or continues the run that the same experiment began in this workdir.
 *
 * @example
 * const study = await run(experiment, { on: { progress: ({ done, total }) => console.log(done, total) } });
 * const { frontier } = await study.result;
 * @returns as soon as the run is stored: data converted, space built.
 * @throws NasError `invalid-input` when the workdir holds a run of another experiment; `in-use` when a process works there.
 */
export function run(experiment: LoadedExperiment, options: StartOptions = {}): Promise<RunningRun> {
  const { on, ...others } = options;
  const workdir = resolve(options.workdir ?? defaultWorkdir(experiment.experiment.name));
  return started(workdir, on, (observe) =>
    runExperiment(experiment, { ...given(others), workdir, report: drawReport, queue: jobQueue }, observe),
  );
}

/**
 * Continues the run of a workdir from where it stands.
 *
 * @example
 * const { frontier } = await (await resume('runs/first', { trials: '+20' })).result;
 * @throws NasError `invalid-input` when there is no run; `in-use` when a process works there; `inputs-changed` when images or
 *   files that it reads have another content than when it began.
 */
export function resume(workdir: string, options: ResumeOptions = {}): Promise<RunningRun> {
  const { on, workers: workersAt, ...others } = options;
  return started(resolve(workdir), on, (observe) =>
    resumeExperiment(workdir, { ...given({ ...others, workersAt }), report: drawReport, queue: jobQueue }, observe),
  );
}

/**
 * Opens the run of a workdir for reading, and for enqueuing networks.
 *
 * @example
 * for (const { number, values } of openRun('runs/first').frontier()) console.log(number, values.accuracy);
 * @throws NasError `invalid-input` when there is no run.
 */
export function openRun(workdir: string): Run {
  const path = resolve(workdir);
  if (!hasRun(path)) throw invalidInput(`${workdir}: there is no run here`, { hint: 'run() starts one.' });
  return new Run(path);
}

type Given<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> };

/** Options without the undefined ones. */
const given = <T extends object>(options: T): Given<T> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;

/** Calls the listeners that an event is for. */
export const listening =
  (on: RunListeners = {}): RunObserver =>
  (event) => {
    if (event.kind === 'progress') on.progress?.(event);
    if (event.kind === 'trial-finished') on.trial?.(event);
    on.event?.(event);
  };

/** Waits until a run is stored, or over. */
async function started(
  workdir: string,
  on: RunListeners | undefined,
  start: (observe: RunObserver) => Promise<RunOutcome>,
): Promise<RunningRun> {
  const listener = listening(on);
  let announce = (): void => undefined;
  const begun = new Promise<void>((settle) => (announce = settle));
  const observe: RunObserver = (event) => {
    if (event.kind === 'begun') announce();
    listener(event);
  };
  const outcome = followed(observe, start);
  await Promise.race([begun, outcome]);
  const result = outcome.then(({ state }) => ({ state, workdir, frontier: new Run(workdir).frontier() }));
  return new RunningRun(workdir, result);
}
