import { readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { Refusal } from '../../../base/refusal.js';
import type { Clock } from '../../../store/index.js';
import { hasRun } from '../../stored/workdir.js';
import type { RunId } from '../api.js';
import { KnownRun } from './known-run.js';

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
