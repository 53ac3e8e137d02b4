import { readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { codeOf, invalidInput, messageOf } from '../../base/errors.js';
import { Refusal } from '../../base/server.js';
import { isWorkedIn, Store, type Clock } from '../../store/index.js';
import { databasePath, hasRun, workdirFiles } from '../../runner/stored/workdir.js';
import type { RunId } from './api.js';
import { RunCache } from './collect/run-cache.js';

/** What a run looked like at one time; two checks that differ call for a read. */
export interface Check {
  /** Inode, size and time of its database, its log and its notes, and whether a process works in it; null: there is no run. */
  readonly seen: string | null;
  /** False right after a write: a second write within the file system's clock resolution changes nothing of `seen`. */
  readonly isSettled: boolean;
  /** ms since 1970. */
  readonly at: number;
}

/** Upper bound of a file system's clock resolution, ms. */
const clockResolution = 100;

/** @param ages whether the run changes without a write: its pace and ETA depend on the time */
export const mayHaveChanged = (before: Check, now: Check, ages: boolean): boolean =>
  !before.isSettled || before.seen !== now.seen || (ages && now.at - before.at >= refreshInterval);

/** How long a read waits for a locked database, ms. It blocks the whole server meanwhile. */
export const lockTimeout = 200;

/** Processor time of this process, ms. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Pace and ETA of a running run depend on the time: they are sent again after so many ms without a write. */
const refreshInterval = 10_000;

/** After a read, a run rests for this many times the processor time of the read, which leaves the processor to the search. */
export const restFactor = 50;

/** A run of the folder, with a cache that makes repeated reads short. */
export class WatchedRun {
  private cache = new RunCache();
  private createdAt: number | null = null;

  constructor(
    readonly id: RunId,
    /** Absolute. */
    readonly workdir: string,
    private readonly clock: Clock,
  ) {}

  /** Creation time of the run that was read last, ms since 1970; `--fresh` replaces a run by another one. */
  get begun(): number | null {
    return this.createdAt;
  }

  /**
   * Does not open the database.
   * @param isEnded whether no process is expected to work in it, so that its lock is not tried
   */
  check(isEnded = false): Check {
    const at = this.clock();
    const path = databasePath(this.workdir);
    const notes = join(this.workdir, workdirFiles.notes);
    try {
      const [file, ...others] = [path, `${path}-wal`, notes].map((one) =>
        statSync(one, { bigint: true, throwIfNoEntry: false }),
      );
      if (file === undefined) return { seen: null, isSettled: true, at };
      const stats = [file, ...others.filter((one) => one !== undefined)];
      const latest = Math.max(...stats.map(({ mtimeMs }) => Number(mtimeMs)));
      const files = stats.map(({ ino, size, mtimeNs }) => `${ino} ${size} ${mtimeNs}`).join(', ');
      // The death of a process leaves no trace in the files.
      const lock = isEnded ? '' : ` ${isWorkedIn(this.workdir)}`;
      return { seen: `${files}${lock}`, isSettled: at - latest > clockResolution, at };
    } catch {
      // The read that follows reports the problem.
      return { seen: 'unknown', isSettled: false, at };
    }
  }

  /**
   * Reads the run. The database is open during the task only, as a runner that ends needs it exclusively.
   * @throws NasError `in-use` while it is locked; `invalid-input` when it cannot be read; errors of the task.
   */
  async read<T>(task: (store: Store, cache: RunCache) => T | Promise<T>): Promise<T> {
    using store = Store.open(databasePath(this.workdir), { readonly: true, patience: lockTimeout });
    const createdAt = store.run.createdAt();
    if (createdAt !== this.createdAt) this.cache = new RunCache();
    this.createdAt = createdAt;
    return await task(store, this.cache);
  }
}

/** A folder with the workdirs of runs, or the workdir of one. It may not exist yet. */
export class RunFolder {
  private readonly watched = new Map<RunId, WatchedRun>();

  /** @param name as the user wrote it */
  constructor(
    readonly name: string,
    private readonly clock: Clock,
  ) {}

  /** The runs in the folder, by name. @throws NasError `invalid-input` when the folder cannot be read. */
  runs(): readonly WatchedRun[] {
    const folder = resolve(this.name);
    const candidates = hasRun(folder) ? [folder] : entries(folder).map((id) => join(folder, id));
    const workdirs = candidates.filter(hasRun).sort();
    const ids = new Set(workdirs.map((workdir) => basename(workdir)));
    for (const id of this.watched.keys()) if (!ids.has(id)) this.watched.delete(id);
    return workdirs.map((workdir) => this.watchedRun(workdir));
  }

  /** Ids are names of folder entries, so that none leads out of the folder. @throws Refusal when there is no such run. */
  run(id: RunId): WatchedRun {
    const folder = resolve(this.name);
    const names = hasRun(folder) ? [] : entries(folder);
    if (names.length === 0 && id === basename(folder) && hasRun(folder)) return this.watchedRun(folder);
    const workdir = join(folder, id);
    if (names.includes(id) && hasRun(workdir)) return this.watchedRun(workdir);
    throw new Refusal(
      404,
      `there is no run ${id} in ${this.name}`,
      'The page of all runs lists the runs of the folder.',
    );
  }

  private watchedRun(workdir: string): WatchedRun {
    const id = basename(workdir);
    const watched = this.watched.get(id);
    if (watched?.workdir === workdir) return watched;
    const run = new WatchedRun(id, workdir, this.clock);
    this.watched.set(id, run);
    return run;
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw invalidInput(`${folder}: cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
