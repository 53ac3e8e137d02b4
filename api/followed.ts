import { join } from 'node:path';
import { messageOf } from '../base/errors.js';
import type { Experiment } from '../experiments/schema/experiment.js';
import { isStudy } from '../experiments/schema/run-experiment.js';
import type { RunObserver } from '../runner/events.js';
import { frontierCandidates } from '../runner/stored/candidates.js';
import { experimentOf, objectivesOf } from '../runner/stored/experiment.js';
import { databasePath, workdirFiles } from '../runner/stored/workdir.js';
import { Store } from '../store/index.js';
import { History, pictureIn, type RunLog } from '../reports/history/history.js';
import { MlflowLog, mlflowAuthorization } from '../reports/history/mlflow.js';
import { TensorBoardLog } from '../reports/history/tensorboard.js';

/** How long other programs are waited for, in ms. */
interface Patience {
  readonly answer: number;
  /** At the end of a run, for all that is left. */
  readonly end: number;
  /** At the end of a run, where the program did not take the last trial. */
  readonly silentEnd: number;
}

const usualPatience: Patience = { answer: 5000, end: 60_000, silentEnd: 2000 };

/** The store is open for one reading only: a run leaves one file behind where nobody else has it open. */
function reading<T>(workdir: string, task: (store: Store) => T): T {
  using store = Store.open(databasePath(workdir), { readonly: true });
  return task(store);
}

/** A program that follows a run. What it does not take is sent again with the next trial. */
class Follower {
  private working: Promise<void> | undefined;
  private isSilent = false;

  constructor(
    private readonly workdir: string,
    private readonly log: RunLog,
    private readonly patience: Patience,
    /** Ends its requests. */
    private readonly ending: AbortController,
    private readonly warn: (problem: string) => void,
    /** The trials that it has not taken yet. */
    private readonly left: Set<number>,
  ) {}

  send(trial: number): void {
    this.left.add(trial);
    this.working ??= this.sendLeft().finally(() => (this.working = undefined));
  }

  /** Sends what is left, and the run as a whole. */
  async end(): Promise<void> {
    const endIn = (time: number) => setTimeout(() => this.ending.abort(), time);
    const timers = [endIn(this.patience.end)];
    await this.working;
    if (this.isSilent) timers.push(endIn(this.patience.silentEnd));
    // Measured again and trained to the end since they were sent.
    const members = reading(this.workdir, (store) => frontierCandidates(store.trials.all(), objectivesOf(store)));
    for (const { trial } of members) this.left.add(trial.number);
    await this.sendLeft();
    if (this.left.size === 0)
      await this.attempt(async () => {
        const picture = await pictureIn(this.workdir);
        const { run, entries } = reading(this.workdir, (store) => new History(store).whole(picture));
        await this.log.run(run, entries);
      });
    for (const timer of timers) clearTimeout(timer);
  }

  private async sendLeft(): Promise<void> {
    // A set gives what is added meanwhile, too.
    for (const trial of this.left) {
      await this.attempt(() => this.log.trial(reading(this.workdir, (store) => new History(store).of(trial))));
      if (this.isSilent) return;
      this.left.delete(trial);
    }
  }

  private async attempt(task: () => Promise<void>): Promise<void> {
    try {
      await task();
      this.isSilent = false;
    } catch (error) {
      if (!this.isSilent) this.warn(messageOf(error));
      this.isSilent = true;
    }
  }
}

/** The programs that an experiment names. */
export function logOf(experiment: Experiment): {
  readonly tensorboard?: boolean;
  readonly mlflow?: string | undefined;
} {
  const log = isStudy(experiment) ? undefined : experiment.log;
  return log === 'tensorboard' ? { tensorboard: true } : { ...log };
}

/** The programs that the experiment of a run names. A failure of one becomes a warning to `observe`. */
function followersOf(workdir: string, observe: RunObserver, patience: Patience): Follower[] {
  const { named, run, ended } = reading(workdir, (store) => ({
    named: logOf(experimentOf(store)),
    run: store.run.get(),
    ended: store.trials.all().flatMap(({ number, finishedAt }) => (finishedAt === null ? [] : [number])),
  }));
  const { tensorboard = false, mlflow: url } = named;
  const follower = (target: string, log: (ending: AbortSignal) => RunLog): Follower => {
    const ending = new AbortController();
    const later = `nas export ${workdir} --to ${target} writes all of it later`;
    const warn = (problem: string) =>
      observe({ kind: 'warning', message: `${problem}; the run goes on, and ${later}` });
    // Trials of an earlier process may have been missed, or the program named since.
    return new Follower(workdir, log(ending.signal), patience, ending, warn, new Set(ended));
  };
  const access = { tries: 1, patience: patience.answer, authorization: mlflowAuthorization(process.env) };
  const folder = join(workdir, workdirFiles.tensorboard);
  return [
    ...(tensorboard ? [follower(`tensorboard ${folder}`, () => new TensorBoardLog(folder))] : []),
    ...(url === undefined
      ? []
      : [follower(`mlflow --url ${url}`, (signal) => new MlflowLog({ ...access, url, signal }, run))]),
  ];
}

/**
 * Runs a task that observes a run, and tells other programs of each trial, as `log` of the experiment says. They cannot stop it.
 * After the run, waits until they have what is left, for a limited time.
 */
export async function followed<T>(
  observe: RunObserver,
  task: (observe: RunObserver) => Promise<T>,
  patience = usualPatience,
): Promise<T> {
  let followers: readonly Follower[] = [];
  try {
    return await task((event) => {
      if (event.kind === 'begun') followers = followersOf(event.workdir, observe, patience);
      if (event.kind === 'trial-finished') for (const follower of followers) follower.send(event.number);
      observe(event);
    });
  } finally {
    await Promise.all(followers.map((follower) => follower.end()));
  }
}
