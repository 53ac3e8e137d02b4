import { readdirSync, statSync } from 'node:fs';
import { type Clock, isWorkedIn, Store } from '../../store/index.js';
import { databasePath, hasRun } from '../stored/workdir.js';
import { RunMemory } from './collect/run-memory.js';
import type { RunId } from './api.js';
import { basename, join, resolve } from 'node:path';
import { invalidInput, messageOf } from '../../base/errors.js';
import { Refusal } from '../../base/server.js';

/** What a run's file looks like from outside: as long as it is the same, nothing was written. */
interface Stamp {
  readonly text: string;
  /** False just after a change: the clock of a file system is coarse, and another one may not show. */
  readonly isSettled: boolean;
}

/** Longer than any file system's clock stands still, in ms. */
const coarseness = 100;

/** Costs two looks at the file system, and does not open the file. @returns null without a run. */
function stampOf(workdir: string, clock: Clock): Stamp | null {
  const path = databasePath(workdir);
  const [file, log] = ['', '-wal'].map((suffix) => statSync(path + suffix, { bigint: true, throwIfNoEntry: false }));
  if (file === undefined) return null;
  const stats = log === undefined ? [file] : [file, log];
  const latest = Math.max(...stats.map(({ mtimeMs }) => Number(mtimeMs)));
  return {
    text: stats.map(({ ino, size, mtimeNs }) => `${ino} ${size} ${mtimeNs}`).join(', '),
    isSettled: clock() - latest > coarseness,
  };
}

/** How long a look waits where somebody has the file for itself, in ms; meanwhile the server answers nobody. */
const patience = 200;

/**
 * Reads a run. Its file is open meanwhile only: a runner that ends wants it for itself.
 * @throws NasError `in-use` when it is locked at this moment; `invalid-input` when it cannot be read.
 */
async function look<T>(workdir: string, task: (store: Store) => T | Promise<T>): Promise<T> {
  const store = Store.open(databasePath(workdir), { readonly: true, patience });
  try {
    return await task(store);
  } finally {
    store.close();
  }
}

/** What this process has had of the processors, in ms: on a busy machine, far less than the time that has passed. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Of a run that goes on, what depends on the time is told anew after so many ms, though nothing was written. */
export const pacing = 10_000;

/**
 * A run is not looked at for this many times what the last look took of a processor, which the search needs: watching many
 * long runs stays a light load.
 */
export const rest = 50;

/** A run that is looked at again and again: what is remembered of it makes the next look a short one. */
export class KnownRun {
  private memory = new RunMemory();
  private began: number | null = null;

  constructor(
    readonly id: RunId,
    /** Absolute. */
    readonly workdir: string,
    private readonly clock: Clock,
  ) {}

  /** When the run that was seen last was begun, in ms since 1970: another one may take its place (`--fresh`). */
  get begun(): number | null {
    return this.began;
  }

  /** What its file looks like from outside; null when there is none. */
  stamp(): Stamp | null {
    return stampOf(this.workdir, this.clock);
  }

  /** Whether a process works in it at this moment. */
  isWorkedIn(): boolean {
    return isWorkedIn(this.workdir);
  }

  /**
   * Reads it.
   * @throws NasError `in-use` when it is locked at this moment; `invalid-input` when it cannot be read; what the task throws.
   */
  look<T>(task: (store: Store, memory: RunMemory) => T | Promise<T>): Promise<T> {
    return look(this.workdir, (store) => {
      const createdAt = store.run.createdAt();
      if (createdAt !== this.began) this.memory = new RunMemory();
      this.began = createdAt;
      return task(store, this.memory);
    });
  }
}

/** A folder with the workdirs of runs, or the workdir of one. It need not exist yet. */
export class RunFolder {
  private readonly known = new Map<RunId, KnownRun>();

  /** @param name as the user wrote it. */
  constructor(
    readonly name: string,
    private readonly clock: Clock,
  ) {}

  /** The runs that are there now, by name. @throws NasError `invalid-input` when the folder cannot be read. */
  runs(): readonly KnownRun[] {
    const folder = resolve(this.name);
    const workdirs = hasRun(folder) ? [folder] : entries(folder).map((id) => join(folder, id));
    const there = workdirs.filter(hasRun).sort();
    const ids = new Set(there.map((workdir) => basename(workdir)));
    for (const id of this.known.keys()) if (!ids.has(id)) this.known.delete(id);
    return there.map((workdir) => this.knownRun(workdir));
  }

  /** No id leads out of the folder: it is a name of what lies there. @throws Refusal when there is no such run. */
  run(id: RunId): KnownRun {
    const folder = resolve(this.name);
    const names = hasRun(folder) ? [] : entries(folder);
    if (names.length === 0 && id === basename(folder) && hasRun(folder)) return this.knownRun(folder);
    const workdir = join(folder, id);
    if (names.includes(id) && hasRun(workdir)) return this.knownRun(workdir);
    throw new Refusal(404, `there is no run ${id} in ${this.name}`, 'The page of all runs lists those that are there.');
  }

  private knownRun(workdir: string): KnownRun {
    const id = basename(workdir);
    const known = this.known.get(id);
    if (known?.workdir === workdir) return known;
    const run = new KnownRun(id, workdir, this.clock);
    this.known.set(id, run);
    return run;
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw invalidInput(`${folder}: cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
