import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/files.js';
import { Store } from '../../store/index.js';
import { databasePath, hasRun } from '../../runner/stored/workdir.js';
import type { QueueConnection } from '../connection.js';
import { machineId } from '../machine.js';
import { findRun, runId } from '../registry.js';

/** Beside the contents of a run in a shared folder: whose they are. */
const ownerFile = 'run.json';
const ownerSchema = z.object({ name: z.string(), host: z.string(), machine: z.string(), workdir: z.string() });
type Owner = Readonly<z.output<typeof ownerSchema>>;

export const writeOwner = (folder: string, owner: Owner): void =>
  writeFileAtomic(join(folder, ownerFile), JSON.stringify(owner));

function ownerOf(folder: string): Owner | null {
  const file = join(folder, ownerFile);
  return existsSync(file) ? ownerSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : null;
}

/** The files of a run in a shared folder, and what became of them. */
export interface SharedFolder {
  /** The run's id, the name of the folder. */
  readonly run: string;
  readonly path: string;
  readonly bytes: number;
  /** Null: an earlier version wrote the files. */
  readonly owner: Owner | null;
  readonly removed: boolean;
  /** Why it is removed or stays. */
  readonly reason: string;
}

/**
 * Removes folders of runs from the shared folder of `workers.artifacts`: by default, of all runs that are complete or gone.
 * The folder of a run at work stays.
 * @param givenUp the only run whose folder is removed; it may be incomplete
 */
export async function cleanShared(
  connection: QueueConnection,
  shared: string,
  givenUp?: { readonly run: string; readonly workdir: string },
): Promise<readonly SharedFolder[]> {
  const names = existsSync(shared) ? readdirSync(shared).sort() : [];
  const folders: SharedFolder[] = [];
  for (const run of names.filter((name) => /^[0-9a-f]{16}$/.test(name) && name === (givenUp?.run ?? name))) {
    const path = join(shared, run);
    const owner = ownerOf(path);
    const files = readdirSync(path).map((name) => join(path, name));
    const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
    const isLive = (await findRun(connection, run)) !== null;
    const [removed, reason] = isLive ? atWork : removalOf(run, owner, givenUp?.workdir);
    if (removed) rmSync(path, { recursive: true });
    folders.push({ run, path, bytes, owner, removed, reason });
  }
  return folders;
}

type Removal = readonly [removed: boolean, reason: string];

const atWork: Removal = [false, 'a process works on the run'];

/** @param givenUp workdir of the run, if it is given up */
function removalOf(run: string, owner: Owner | null, givenUp: string | undefined): Removal {
  if (givenUp === undefined) {
    if (owner === null) return [false, 'an earlier version wrote it: its run is not known'];
    if (owner.machine !== machineId()) return [false, `only ${owner.host} knows whether it is needed`];
    if (!hasRun(owner.workdir)) return [true, 'the workdir is gone'];
  }
  const store = Store.open(databasePath(givenUp ?? owner?.workdir ?? ''), { readonly: true });
  try {
    if (runId(store) !== run) return [true, 'the workdir holds another run'];
    const { status } = store.run.state();
    if (status === 'complete') return [true, 'the run is complete'];
    if (status === 'running') return atWork;
    return givenUp === undefined
      ? [false, `the run is ${status}: nas resume may need it`]
      : [true, 'the run is given up'];
  } finally {
    store.close();
  }
}
