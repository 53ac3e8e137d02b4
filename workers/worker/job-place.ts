import { existsSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { makeDirectory } from '../../base/files.js';
import { filesWritten, relocateJob, relocateResult } from '../../runner/jobs/job-files.js';
import type { Job, ResultOf } from '../../runner/jobs/jobs.js';
import { ArtifactGone, fileSchema, type Artifacts, type FileIn } from '../artifacts/artifact.js';
import type { BundleCache, UsedBundle } from '../artifacts/cache.js';
import type { Order } from '../transport/messages.js';
import type { FolderFile } from './job-files.js';

export interface PlaceOptions {
  /** The files of the run. */
  readonly artifacts: Pick<Artifacts, 'get'>;
  readonly bundles: Pick<BundleCache, 'use'>;
  readonly signal: AbortSignal;
  /** The job's own folder, made at the first call. */
  readonly home: () => string;
  /** This machine's cache, in which jobs share teachers. */
  readonly cache: string;
  /** Whether jobs may bring code of the user's. */
  readonly modules: boolean;
}

/** A folder in which the job works. */
interface Folder {
  readonly path: string;
  /** Whether it is the machine's cache. */
  readonly shared: boolean;
  /** The files from which a job continues. */
  readonly resumed: readonly string[];
}

/** The only part of the cache in which jobs write. */
const sharedPart = 'teachers/';

const refused = (what: string): Error =>
  invalidInput(`the order is refused: ${what}`, { hint: 'Workers and nas run must have the same version of nas.' });

/** `@1/a/b` → `@1` and `a/b`. */
function parse(path: string): { readonly symbol: string; readonly inside: string | null } {
  const match = /^(?<symbol>@\d{1,4})(?:\/(?<inside>.*))?$/s.exec(path)?.groups;
  const symbol = match?.['symbol'];
  const inside = match?.['inside'] ?? null;
  if (symbol === undefined) throw refused(`${path} is a path of another machine`);
  if (inside !== null && !fileSchema.shape.path.safeParse(inside).success)
    throw refused(`${path} leads out of its folder`);
  return { symbol, inside };
}

/** The files of one job on this machine: its inputs, and the folders in which it works. */
export class JobPlace {
  /** The job with paths of this machine. */
  readonly job: Job;

  private constructor(
    job: Job,
    private readonly inputs: ReadonlyMap<string, UsedBundle>,
    private readonly folders: ReadonlyMap<string, Folder>,
  ) {
    this.job = relocateJob(job, (path) => this.local(path));
    for (const file of filesWritten(this.job))
      if (this.find(file) === null) throw refused(`it would write ${file}, outside its folders`);
  }

  /**
   * Validates an order, and fetches its files.
   * @throws NasError `invalid-input` for forbidden paths; errors of `Artifacts.get` and the cache
   */
  static async prepare(order: Order, options: PlaceOptions): Promise<JobPlace> {
    const { artifacts, bundles, signal } = options;
    const folders = foldersOf(order, options);
    const inputs = new Map<string, UsedBundle>();
    try {
      for (const [symbol, bundle] of Object.entries(order.inputs))
        inputs.set(symbol, await bundles.use(bundle, artifacts, signal));
      for (const [symbol, folder] of folders) await fill(folder, order.folders[symbol] ?? [], options);
      return new JobPlace(order.job, inputs, folders);
    } catch (error) {
      for (const input of inputs.values()) input.release();
      throw error;
    }
  }

  /** The symbols of the folders in which the job works. */
  get symbols(): readonly string[] {
    return [...this.folders.keys()];
  }

  /** The path of a file in a folder of the job. */
  locate(symbol: string, inside: string): string {
    return join(this.folders.get(symbol)?.path ?? '', inside);
  }

  /** The job's file at a path of this machine; null when the path is in none of its folders. */
  find(file: string): FolderFile | null {
    for (const [symbol, { path }] of this.folders) {
      const inside = insideOf(path, file);
      if (inside !== null && inside !== '') return { symbol, inside, file };
    }
    return null;
  }

  /** The existing files from which the job would continue. */
  resumed(): readonly FolderFile[] {
    return [...this.folders].flatMap(([symbol, { path, resumed }]) =>
      resumed.map((inside) => ({ symbol, inside, file: join(path, inside) })).filter(({ file }) => existsSync(file)),
    );
  }

  /** The files that the job writes without reporting them. */
  written(): readonly FolderFile[] {
    return filesWritten(this.job).flatMap((file) => this.find(file) ?? []);
  }

  /** The job's result with symbols; `onFile` is called for each file in its folders that the result names. */
  answer(result: ResultOf<Job>, onFile: (file: FolderFile) => void): ResultOf<Job> {
    return relocateResult(this.job.kind, result, (path) => {
      const file = this.find(path);
      if (file !== null) {
        onFile(file);
        return `${file.symbol}/${file.inside}`;
      }
      for (const [symbol, input] of this.inputs) {
        const inside = insideOf(input.path, path);
        if (inside !== null) return inside === '' ? symbol : `${symbol}/${inside}`;
      }
      throw new Error(`the result names ${path}, which is in no folder of the job`);
    });
  }

  /** Releases the inputs. */
  release(): void {
    for (const input of this.inputs.values()) input.release();
  }

  private local(path: string): string {
    const { symbol, inside } = parse(path);
    const base = this.inputs.get(symbol)?.path ?? this.folders.get(symbol)?.path;
    if (base === undefined) throw refused(`it gives no files for ${symbol}`);
    return inside === null ? base : join(base, inside);
  }
}

/** The job's folders by their symbols. @throws NasError for unknown symbols, and for paths outside of its folders */
function foldersOf({ job, inputs }: Order, { modules, cache, home }: PlaceOptions): ReadonlyMap<string, Folder> {
  const folders = new Map<string, Folder>();
  relocateJob(job, (path, use) => {
    const { symbol, inside } = parse(path);
    if (use.kind === 'module' && !modules)
      throw refused(`it brings code of its own (${path}), and this worker runs none: nas worker --allow-modules`);
    if (use.kind !== 'folder') {
      if (!(symbol in inputs)) throw refused(`it gives no files for ${symbol}`);
      return path;
    }
    if (symbol in inputs || inside !== null) throw refused(`it would write in ${path}, which is no folder of its own`);
    const shared = use.resumed === null;
    const resumed = [...(folders.get(symbol)?.resumed ?? []), ...(use.resumed ?? [])];
    folders.set(symbol, { path: shared ? cache : join(home(), symbol.slice(1)), shared, resumed });
    return path;
  });
  // The files of another device are on its machine, and a worker asks no other machine.
  if ('device' in job && job.device.type !== 'local')
    throw refused(`it would measure on ${job.device.type}, and a worker measures on its own machine only`);
  return folders;
}

/** Makes a folder, and fetches the files from which the job continues. */
async function fill(
  { path, shared }: Folder,
  files: readonly FileIn[],
  { artifacts, signal }: PlaceOptions,
): Promise<void> {
  makeDirectory(path);
  for (const file of files) {
    if (shared && !file.path.startsWith(sharedPart))
      throw refused(`it would write ${file.path} into the cache of this machine`);
    const target = join(path, file.path);
    // The existing file is equivalent, and other jobs may be reading it.
    if (shared && existsSync(target)) continue;
    await artifacts.get(file, target, { signal }).catch((error: unknown) => {
      // Without the file, the job starts from an earlier point, with the same result.
      if (!(error instanceof ArtifactGone)) throw error;
    });
  }
}

/** The path of a file within a folder, with `/`; `''` for the folder itself; null when it is elsewhere. */
function insideOf(folder: string, file: string): string | null {
  const inside = relative(folder, file);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return null;
  return inside.split(sep).join('/');
}
