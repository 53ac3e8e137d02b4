import {
  type Experiment,
  type ExperimentKind,
  experimentSchemas,
  kindOf,
  type TrainingExperiment,
} from '../schema/experiment.js';
import { isTableExperiment } from '../schema/run-experiment.js';
import { experimentJsonSchema } from './json-schema.js';
import { isMap, type KeyPath, pathText, type Problem, problemsError, valueAt } from './problem.js';
import { Source } from './source.js';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { nearest } from '../../base/text.js';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { contradictions } from './cross-checks.js';
import { workersOverrides } from './override.js';
import { zodProblems } from './schema-problems.js';

/** Why a table of results has no use for what training needs. */
const reason = "with a table as the space nothing is trained or measured; the objectives' columns say all";

/** The keys of a kind of experiments, under one that all have (or, without one, their own). */
function keysOf(kind: ExperimentKind, under: string | null): string[] {
  const { properties = {} } = experimentJsonSchema(kind);
  return Object.keys(under === null ? properties : (properties[under].properties ?? {}));
}

/** Keys that mean nothing where they stand: those of training beside a table, those of a supernet beside whose it is. */
export const foreignKeys = (source: Source, kind: ExperimentKind): Problem[] =>
  kind === 'table' ? besideTable(source) : besideSupernet(source);

/** How a supernet is trained, where one that was trained already is named. */
function besideSupernet(source: Source): Problem[] {
  const supernet: unknown = source.data['supernet'];
  if (!isMap(supernet) || supernet['from'] === undefined) return [];
  return keysOf('training', 'supernet')
    .filter((key) => key !== 'from' && Object.hasOwn(supernet, key))
    .map((key) => {
      const path = ['supernet', key];
      const message =
        'remove it: the supernet of supernet.from is trained already, and its configuration comes with it';
      return { where: source.where(path, 'key'), path, message };
    });
}

/** Keys that only experiments that train have, in one on a table. */
function besideTable(source: Source): Problem[] {
  return [null, 'search'].flatMap((under) => {
    const written: unknown = under === null ? source.data : source.data[under];
    if (typeof written !== 'object' || written === null) return [];
    const own = keysOf('table', under);
    return keysOf('training', under)
      .filter((key) => !own.includes(key) && Object.hasOwn(written, key))
      .map((key) => {
        const path = under === null ? [key] : [under, key];
        return { where: source.where(path, 'key'), path, message: `remove it: ${reason}` };
      });
  });
}

/** Where an experiment names files or folders. */
const filePaths: readonly KeyPath[] = [
  ['data', 'path'],
  ['teacher', 'path'],
  ['space', 'path'],
  ['train', 'from'],
  ['latency', 'device', 'file'],
  ['latency', 'device', 'token_file'],
  ['latency', 'device', 'executable'],
  ['latency', 'predictor'],
  ['latency', 'predictor', 'fp32'],
  ['latency', 'predictor', 'int8'],
  ['space', 'file'],
  ['search', 'seed_from'],
  ['supernet', 'from'],
  ['search', 'controller', 'path'],
  ['evaluate', 'path'],
  ['workers', 'password_file'],
  ['workers', 'ca_file'],
  ['workers', 'artifacts', 'path'],
];

/** `latency.predictor` may also be a word. */
const isPath = (keys: KeyPath, value: unknown): value is string =>
  typeof value === 'string' && (keys.at(-1) !== 'predictor' || value.endsWith('.json'));

/** `base` is where a relative path starts: the experiment's folder, or the current one for a path given by `--set`. */
function absolute(path: string, base: string): string {
  const home = path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
  return isAbsolute(home) ? home : resolve(base, home);
}

/** `; did you mean 'cifar-10-batches-bin'?` when something with a similar name lies beside. */
function beside(path: string): string {
  const folder = dirname(path);
  if (!existsSync(folder)) return beside(folder) || `; ${dirname(folder)} has no ${basename(folder)}`;
  const meant = nearest(basename(path), readdirSync(folder));
  return meant === undefined ? '' : `; did you mean '${join(folder, meant)}'?`;
}

/** What is at a path that an experiment names does not exist. */
export function missingFiles(source: Source): Problem[] {
  return filePaths.flatMap((keys) => {
    const path = valueAt(source.data, keys);
    if (!isPath(keys, path) || existsSync(path)) return [];
    return [{ where: source.where(keys), path: keys, message: `there is no file or folder ${path}${beside(path)}` }];
  });
}

/** Makes every path of the experiment absolute, in place. */
export function resolvePaths(source: Source): void {
  for (const keys of filePaths) {
    const parent = valueAt(source.data, keys.slice(0, -1));
    const key = String(keys.at(-1));
    const path = isMap(parent) ? parent[key] : undefined;
    if (!isMap(parent) || !isPath(keys, path)) continue;
    const base = source.overrideOf(keys) === undefined ? dirname(resolve(source.file)) : process.cwd();
    parent[key] = absolute(path, base);
  }
}

/** An experiment and the text that it came from. */
export interface LoadedExperiment {
  /** With every default filled in and every path absolute; plain data. */
  readonly experiment: Experiment;
  /** What was written: `set` laid over the file, paths absolute, no defaults. Parsed again, it is the same experiment. */
  readonly written: unknown;
  /** The text of the file, comments and all. */
  readonly source: string;
  /** The file as it was named. */
  readonly file: string;
  /** The `key.path=value` arguments that were laid over it. */
  readonly set: readonly string[];
  /** Where a value was written: `file:line:column`, or the `--set` argument that gave it. */
  where(path: KeyPath): string;
}

export interface LoadOptions {
  /** `key.path=value` arguments; the values are YAML. Paths among them start at the current folder. */
  readonly set?: readonly string[];
  /** Who does the work: `pool`, or a queue's address; absent: who the file says. */
  readonly workers?: string;
  /** Whether the files and folders that the experiment names must exist; default true. */
  readonly checkFiles?: boolean;
}

/**
 * Reads an experiment file.
 * @throws NasError `invalid-input` with every mistake of the file, each with line, column, key path, what was written
 *   and what is allowed.
 */
export function loadExperiment(file: string, options: LoadOptions = {}): LoadedExperiment {
  return parseExperiment(file, readText(file), options);
}

/** As `loadExperiment`, of a text; `file` is what messages call it and where relative paths start. */
export function parseExperiment(file: string, text: string, options: LoadOptions = {}): LoadedExperiment {
  const { set = [], workers, checkFiles = true } = options;
  const source = Source.parse(file, text, set, workers === undefined ? [] : workersOverrides(workers));
  resolvePaths(source);
  const kind = kindOf(source.data);
  const foreign = foreignKeys(source, kind);
  if (foreign.length > 0) throw problemsError(file, foreign);
  const parsed = experimentSchemas[kind].safeParse(source.data);
  if (!parsed.success) throw problemsError(file, zodProblems(parsed.error.issues, source, experimentJsonSchema(kind)));
  const experiment = parsed.data;
  const problems = [
    ...contradictions(experiment).map(({ path, message }) => ({ where: source.where(path), path, message })),
    ...(checkFiles ? missingFiles(source) : []),
  ];
  if (problems.length > 0) throw problemsError(file, problems);
  return { experiment, written: source.data, source: text, file, set, where: (path) => source.where(path) };
}

/**
 * The experiment of a file, when it trains networks.
 * @throws NasError `invalid-input` when its space is a table of results, which has no networks.
 */
export function trainingOf({ experiment, file }: LoadedExperiment): TrainingExperiment {
  if (!isTableExperiment(experiment)) return experiment;
  throw invalidInput(`${file}: its space is a table of results, without data and networks to train`, {
    hint: 'Give an experiment that trains.',
  });
}

/** The same error, saying where in the experiment's file the cause is written; for mistakes found while it runs. */
export function locate(loaded: LoadedExperiment, path: KeyPath, error: unknown): unknown {
  if (!(error instanceof NasError) || error.code !== 'invalid-input') return error;
  return invalidInput(`${loaded.where(path)}: ${pathText(path)}: ${error.message}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

function readText(file: string): string {
  try {
    if (!statSync(file).isDirectory()) return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw invalidInput(`${file}: there is no such file${similar(file)}`, {
        hint: 'nas init writes one to start from.',
      });
    throw invalidInput(`${file}: cannot be read: ${messageOf(error)}`, { cause: error });
  }
  throw invalidInput(
    `${file}: is a folder; expected an experiment file (.yaml)${similar(join(file, 'experiment.yaml'))}`,
  );
}

function similar(file: string): string {
  try {
    const meant = nearest(basename(file), readdirSync(dirname(file)));
    return meant === undefined ? '' : `; did you mean '${join(dirname(file), meant)}'?`;
  } catch {
    return '';
  }
}

/** Does something with the value at a key path, such that an error says where that value was written. */
export type Locating = <T>(path: KeyPath, task: () => Promise<T> | T) => Promise<T>;

/** For an experiment that comes from its file. */
export const locatingIn =
  (loaded: LoadedExperiment): Locating =>
  async (path, task) => {
    try {
      return await task();
    } catch (error) {
      throw locate(loaded, path, error);
    }
  };

/** For an experiment whose file is not at hand: errors stay as they are. */
export const locatingNowhere: Locating = async (_path, task) => task();
