import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NasError } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import { relocateJob } from '../../runner/jobs/job-files.js';
import { patienceWith, type JobOrder } from '../../runner/jobs/job-runner.js';
import type { Job } from '../../runner/jobs/jobs.js';
import { fileSchema, type Artifacts, type Bundle, type FileIn } from '../artifacts/artifact.js';
import { bundleOf } from '../artifacts/files.js';
import type { Folders, Order } from '../transport/messages.js';

/** A folder in which a job works, on this machine. */
interface WorkFolder {
  readonly path: string;
  /** Names of the files from which it continues; null: the files that its earlier attempt reported. */
  readonly resumed: readonly string[] | null;
}

/** A job with symbols for its paths, and the paths of these symbols on this machine. */
export interface Draft {
  readonly job: Job;
  /** Files and folders that it reads. */
  readonly inputs: ReadonlyMap<string, string>;
  readonly folders: ReadonlyMap<string, WorkFolder>;
  /** Whether it runs code of the user's. */
  readonly modules: boolean;
}

/** Replaces a job's paths by symbols, numbered in order of appearance: the same job has the same symbols. */
export function draftOf(job: Job): Draft {
  const symbols = new Map<string, string>();
  const inputs = new Map<string, string>();
  const folders = new Map<string, WorkFolder>();
  let modules = false;
  const relocated = relocateJob(job, (path, use) => {
    const key = `${use.kind === 'folder' ? 'folder' : 'input'} ${path}`;
    const symbol = symbols.get(key) ?? `@${symbols.size}`;
    symbols.set(key, symbol);
    if (use.kind === 'folder') folders.set(symbol, { path, resumed: use.resumed });
    else inputs.set(symbol, path);
    if (use.kind === 'module') modules = true;
    return symbol;
  });
  return { job: relocated, inputs, folders, modules };
}

/**
 * The path on this machine for a path in an answer.
 * @throws NasError when it is outside of the job's files and folders
 */
export function pathHere({ inputs, folders }: Pick<Draft, 'inputs' | 'folders'>, path: string): string {
  const [symbol, ...rest] = path.split('/');
  const base = folders.get(symbol)?.path ?? inputs.get(symbol);
  if (base === undefined || rest.some((part) => part === '' || part === '.' || part === '..' || part.includes('\\')))
    throw new NasError('failure', `a worker answered with a file that its job was not given: ${path}`);
  return join(base, ...rest);
}

/** The path of a file in a folder, with this system's separators. */
const fileIn = (folder: string, path: string): string => join(folder, ...path.split('/'));

/**
 * Remembers which files of a folder that many jobs share (the cache of teachers) belong to a job. A job with the same
 * content continues from them, in any run.
 */
export class Journal {
  /** @param directory has a small file for each job */
  constructor(private readonly directory: string) {}

  /** The files of a job, stored for workers; none when one of them has changed since. */
  async read(job: string, folder: string, artifacts: Artifacts): Promise<FileIn[]> {
    const files = this.stored(job);
    for (const { path, sha256 } of files) {
      const file = fileIn(folder, path);
      if (!existsSync(file) || (await artifacts.put(file)).sha256 !== sha256) return [];
    }
    return files;
  }

  write(job: string, files: readonly FileIn[]): void {
    writeFileAtomic(this.file(job), JSON.stringify(files));
  }

  private stored(job: string): FileIn[] {
    try {
      return z.array(fileSchema).parse(JSON.parse(readFileSync(this.file(job), 'utf8')));
    } catch {
      // It is missing or damaged: the job is done again.
      return [];
    }
  }

  private file(job: string): string {
    return join(this.directory, `${job}.json`);
  }
}

/** A job with the contents of its inputs. */
export interface PreparedJob {
  readonly draft: Draft;
  readonly inputs: Record<string, Bundle>;
  /** Its id in the queue: the same for the same job of the same run, also after a kill. */
  readonly id: string;
  /** Names the work for the journal, in all runs. */
  readonly content: string;
}

/** Makes the orders of a run's jobs, and stores the files that workers need. */
export class Orders {
  /** Inputs that are being stored, by path: many jobs read the same data. */
  private readonly storing = new Map<string, Promise<Bundle>>();

  constructor(
    private readonly run: string,
    private readonly artifacts: Artifacts,
    private readonly journal: Journal,
  ) {}

  /**
   * Stores the inputs of a job.
   * @param group of the machines that may do it; null: any
   * @throws NasError when a file cannot be read or stored
   */
  async prepare({ id }: JobOrder, draft: Draft, group: string | null): Promise<PreparedJob> {
    const store = async ([symbol, path]: readonly [string, string]) => [symbol, await this.store(path)] as const;
    const inputs = Object.fromEntries(await Promise.all([...draft.inputs].map(store)));
    return {
      draft,
      inputs,
      id: contentHash(this.run, id, draft.job, inputs),
      content: contentHash(group, draft.job, inputs),
    };
  }

  /** The order for an attempt, which continues from the files on this machine. */
  async order({ draft, inputs, content }: PreparedJob, { id, job, deadline }: JobOrder): Promise<Order> {
    const folders: Record<string, FileIn[]> = {};
    for (const [symbol, { path, resumed }] of draft.folders)
      folders[symbol] =
        resumed === null
          ? await this.journal.read(content, path, this.artifacts)
          : await this.storeExisting(path, resumed);
    return { run: this.run, id, deadline: deadline ?? patienceWith(job), inputs, folders, job: draft.job };
  }

  private async storeExisting(folder: string, names: readonly string[]): Promise<FileIn[]> {
    const files: FileIn[] = [];
    for (const path of names) {
      const file = fileIn(folder, path);
      if (existsSync(file)) files.push({ path, ...(await this.artifacts.put(file)) });
    }
    return files;
  }

  private store(path: string): Promise<Bundle> {
    const storing = this.storing.get(path) ?? bundleOf(path, this.artifacts).finally(() => this.storing.delete(path));
    this.storing.set(path, storing);
    return storing;
  }
}

/**
 * The folders in which a job works, on the coordinator's machine. They follow the files that the worker uploads, so the run's
 * folder is at any time as if the job ran here.
 */
export class WorkFolders {
  /** The job's own files: hash by path, by the folder's symbol. */
  private readonly own = new Map<string, ReadonlyMap<string, string>>();
  private wanted: Folders | undefined;
  private following: Promise<void> = Promise.resolve();

  constructor(
    private readonly job: PreparedJob,
    private readonly artifacts: Artifacts,
    private readonly journal: Journal,
  ) {}

  /** The files from which the job continues are its own. */
  begin(folders: Folders): void {
    for (const [symbol, files] of Object.entries(folders)) this.own.set(symbol, hashesOf(files));
  }

  /** Places uploaded files, unless newer ones are reported before their turn. */
  follow(folders: Folders): Promise<void> {
    this.wanted = folders;
    const place = () => (folders === this.wanted ? this.place(folders) : undefined);
    this.following = this.following.catch(() => undefined).then(place);
    return this.following;
  }

  /** Waits for the transfer under way, and starts no other. */
  async halt(): Promise<void> {
    this.wanted = undefined;
    await this.following.catch(() => undefined);
  }

  /** Places the files that the job left. @throws ArtifactGone; NasError when a file cannot be written */
  async end(folders: Folders): Promise<void> {
    await this.halt();
    await this.place(folders);
  }

  /** Writes new files, and removes files that the job wrote earlier and no longer has; other files stay. */
  private async place(folders: Folders): Promise<void> {
    for (const [symbol, files] of Object.entries(folders)) {
      const folder = this.job.draft.folders.get(symbol);
      if (folder === undefined) continue;
      const before = this.own.get(symbol) ?? new Map<string, string>();
      for (const { path, sha256, bytes } of files) {
        const file = fileIn(folder.path, path);
        if (before.get(path) !== sha256 || !existsSync(file)) await this.artifacts.get({ sha256, bytes }, file);
      }
      const now = hashesOf(files);
      for (const path of before.keys()) if (!now.has(path)) rmSync(fileIn(folder.path, path), { force: true });
      this.own.set(symbol, now);
      if (folder.resumed === null) this.journal.write(this.job.content, files);
    }
  }
}

const hashesOf = (files: readonly FileIn[]): ReadonlyMap<string, string> =>
  new Map(files.map(({ path, sha256 }) => [path, sha256]));
