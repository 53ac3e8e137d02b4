import { join } from 'node:path';
import { NasError } from '../../../base/errors.js';
import { relocateJob } from '../../runner/jobs/job-files.js';
import type { Job } from '../../runner/jobs/jobs.js';

/** A folder in which a job works, here. */
export interface WorkFolder {
  readonly path: string;
  /** Names of the files that it goes on from; null: those that it told of when it ran before. */
  readonly resumed: readonly string[] | null;
}

/** A job whose paths are symbols, and what they stand for on this machine. */
export interface Draft {
  readonly job: Job;
  /** Files and folders that it reads, by symbol. */
  readonly inputs: ReadonlyMap<string, string>;
  readonly folders: ReadonlyMap<string, WorkFolder>;
  /** Whether it runs code of the user's. */
  readonly modules: boolean;
}

/** A job with symbols for paths, numbered as they come: the same job has the same ones. */
export function draftOf(job: Job): Draft {
  const symbols = new Map<string, string>();
  const inputs = new Map<string, string>();
  const folders = new Map<string, WorkFolder>();
  let modules = false;
  const relocated = relocateJob(job, (path, use) => {
    const place = use.kind === 'folder' ? 'folder' : 'input';
    const key = `${place} ${path}`;
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
 * What a path of an answer stands for here.
 * @throws NasError when it names nothing that the job was given.
 */
export function pathHere({ inputs, folders }: Pick<Draft, 'inputs' | 'folders'>, path: string): string {
  const [symbol, ...rest] = path.split('/');
  const base = folders.get(symbol)?.path ?? inputs.get(symbol);
  if (base === undefined || rest.some((part) => part === '' || part === '.' || part === '..' || part.includes('\\')))
    throw new NasError('failure', `a worker answered with a file that its job was not given: ${path}`);
  return join(base, ...rest);
}
