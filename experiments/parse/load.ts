import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { codeOf, invalidInput, messageOf, NasError } from '../../base/errors.js';
import { nearest } from '../../base/text.js';
import { type Experiment, experimentSchemas, type TrainingExperiment } from '../schema/experiment.js';
import { kindOf, type ExperimentKind } from '../schema/kind.js';
import { isStudy, isTrainingExperiment } from '../schema/run-experiment.js';
import { contradictions } from './cross-checks.js';
import { experimentJsonSchema } from './json-schema.js';
import { workersOverrides } from './override.js';
import { isMap, type KeyPath, pathText, type Problem, problemsError, valueAt } from './problem.js';
import { zodProblems } from './schema-problems.js';
import { Source } from './source.js';

/** Why a table excludes the keys of training. */
const reason = "with a table as the space nothing is trained or measured; results come from the objectives' columns";

/** The keys of a kind of experiment, at the top (null) or under a key. */
function keysOf(kind: ExperimentKind): (under: string | null) => string[] {
  const { properties = {} } = experimentJsonSchema(kind);
  return (under) => Object.keys(under === null ? properties : (properties[under].properties ?? {}));
}

/** Keys without meaning: training keys beside a table, supernet settings beside `supernet.from`. */
export const foreignKeys = (source: Source, kind: ExperimentKind): Problem[] =>
  kind === 'table' ? besideTable(source) : besideSupernet(source);

/** Supernet settings beside `supernet.from`. */
function besideSupernet(source: Source): Problem[] {
  const supernet: unknown = source.data['supernet'];
  if (!isMap(supernet) || supernet['from'] === undefined) return [];
  return keysOf('training')('supernet')
    .filter((key) => key !== 'from' && Object.hasOwn(supernet, key))
    .map((key) => {
      const path = ['supernet', key];
      const message =
        'remove it: the supernet of supernet.from is trained already, and its configuration comes with it';
      return { where: source.where(path, 'key'), path, message };
    });
}

function besideTable(source: Source): Problem[] {
  const [inTable, inTraining] = [keysOf('table'), keysOf('training')];
  return [null, 'search'].flatMap((under) => {
    const written: unknown = under === null ? source.data : source.data[under];
    if (typeof written !== 'object' || written === null) return [];
    const own = inTable(under);
    return inTraining(under)
      .filter((key) => !own.includes(key) && Object.hasOwn(written, key))
      .map((key) => {
        const path = under === null ? [key] : [under, key];
        return { where: source.where(path, 'key'), path, message: `remove it: ${reason}` };
      });
  });
}

/** Key paths of files and folders. */
const filePaths: readonly KeyPath[] = [
  ['data', 'path'],
  ['data', 'unlabelled'],
  ['teacher', 'path'],
  ['space', 'path'],
  ['train', 'from'],
  ['latency', 'device', 'file'],
  ['latency', 'device', 'token_file'],
  ['latency', 'device', 'executable'],
  ['latency', 'predictor'],
  ['latency', 'predictor', 'fp32'],
  ['latency', 'predictor', 'int8'],
  ['latency', 'from'],
  ['space', 'file'],
  ['search', 'seed_from'],
  ['supernet', 'from'],
  ['search', 'controller', 'path'],
  ['evaluate', 'path'],
  ['workers', 'password_file'],
  ['workers', 'ca_file'],
];

/** The keys of files and folders in a source: `filePaths`, the path of each member of `teacher.of`, and each entry of `search.from`. */
function pathsIn({ data }: Source): readonly KeyPath[] {
  const entriesOf = (...keys: readonly string[]): readonly number[] => {
    const list = valueAt(data, keys);
    return Array.isArray(list) ? [...list.keys()] : [];
  };
  return [
    ...filePaths,
    ...entriesOf('teacher', 'of').map((i): KeyPath => ['teacher', 'of', i, 'path']),
    ...entriesOf('search', 'from').map((i): KeyPath => ['search', 'from', i]),
  ];
}

/** `latency.predictor` is a path only when it is not one of its words. */
const isPath = (keys: KeyPath, value: unknown): value is string =>
  typeof value === 'string' && (keys.at(-1) !== 'predictor' || value.endsWith('.json'));

/** @param base of relative paths: the experiment's folder, or the current folder for `--set` */
function absolute(path: string, base: string): string {
  const home = path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
  return isAbsolute(home) ? home : resolve(base, home);
}

/** `; did you mean 'cifar-10-batches-bin'?` when a file of a similar name exists. */
function beside(path: string): string {
  const folder = dirname(path);
  if (!existsSync(folder)) return beside(folder) || `; ${dirname(folder)} has no ${basename(folder)}`;
  const meant = nearest(basename(path), readdirSync(folder));
  return meant === undefined ? '' : `; did you mean '${join(folder, meant)}'?`;
}

export function missingFiles(source: Source): Problem[] {
  return pathsIn(source).flatMap((keys) => {
    const path = valueAt(source.data, keys);
    if (!isPath(keys, path) || existsSync(path)) return [];
    return [{ where: source.where(keys), path: keys, message: `there is no file or folder ${path}${beside(path)}` }];
  });
}

/** Makes every path of the experiment absolute, in place. */
export function resolvePaths(source: Source): void {
  for (const keys of pathsIn(source)) {
    const parent = valueAt(source.data, keys.slice(0, -1));
    const key = String(keys.at(-1));
    // A list, too, has its entries by key.
    const isParent = (value: unknown): value is Record<string, unknown> => isMap(value) || Array.isArray(value);
    const path = isParent(parent) ? parent[key] : undefined;
    if (!isParent(parent) || !isPath(keys, path)) continue;
    const base = source.overrideOf(keys) === undefined ? dirname(resolve(source.file)) : process.cwd();
    parent[key] = absolute(path, base);
  }
}

export interface LoadedExperiment {
  /** With every default filled in and every path absolute; plain data. */
  readonly experiment: Experiment;
  /** The file with `set` applied, absolute paths, without defaults; parses to the same experiment. */
  readonly written: unknown;
  readonly source: string;
  readonly file: string;
  /** The `key.path=value` arguments applied to the file. */
  readonly set: readonly string[];
  /** Where a value was written: `file:line:column`, or the `--set` argument that gave it. */
  where(path: KeyPath): string;
}

export interface LoadOptions {
  /** `key.path=value` arguments; the values are YAML. Paths among them start at the current folder. */
  readonly set?: readonly string[];
  /** `pool`, or a queue's address; default: as in the file. */
  readonly workers?: string;
  /** Whether the files and folders that the experiment names must exist; default true. */
  readonly checkFiles?: boolean;
  /** Whether the text is the user's own, so that messages name lines; default true. */
  readonly positions?: boolean;
}

/**
 * Reads an experiment file.
 * @throws NasError `invalid-input` with every mistake of the file, each with line, column, key path, what was written
 *   and what is allowed.
 */
export function loadExperiment(file: string, options: LoadOptions = {}): LoadedExperiment {
  return parseExperiment(file, readText(file), options);
}

/** @throws NasError `invalid-input` for keys of the other kind of experiment */
function parsedSource(source: Source, kind: ExperimentKind) {
  resolvePaths(source);
  const foreign = foreignKeys(source, kind);
  if (foreign.length > 0) throw problemsError(source.file, foreign);
  return experimentSchemas[kind].safeParse(source.data);
}

/** The value at a path with all defaults; undefined where the source has mistakes. */
function defaultAt(source: Source, path: KeyPath): unknown {
  const parsed = parsedSource(source, kindOf(source.data));
  return parsed.success ? valueAt(parsed.data, path) : undefined;
}

/** Parses the text of an experiment. @param file name for messages, and base of relative paths */
export function parseExperiment(file: string, text: string, options: LoadOptions = {}): LoadedExperiment {
  const { set = [], workers, checkFiles = true, positions } = options;
  const source = Source.parse(file, text, set, workers === undefined ? [] : workersOverrides(workers), positions);
  const kind = kindOf(source.data);
  let parsed = parsedSource(source, kind);
  if (
    !parsed.success &&
    source.fillFromDefaults((path, others) => defaultAt(Source.parse(file, text, [], others), path))
  )
    parsed = parsedSource(source, kind);
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
 * The experiment of a file that trains networks.
 * @throws NasError `invalid-input` when its space is a table of results, which has no networks.
 */
export function trainingOf({ experiment, file }: LoadedExperiment): TrainingExperiment {
  if (isTrainingExperiment(experiment)) return experiment;
  if (isStudy(experiment))
    throw invalidInput(`${file}: its networks are trained elsewhere (evaluate.type: tell)`, {
      hint: 'Give an experiment that trains; nas ask gives the networks of this one.',
    });
  throw invalidInput(`${file}: its space is a table of results, without data and networks to train`, {
    hint: 'Give an experiment that trains.',
  });
}

/** Adds the position in the experiment's file to an error that is found during the run. */
export function locate(loaded: LoadedExperiment, path: KeyPath, error: unknown): unknown {
  if (!(error instanceof NasError) || (error.code !== 'invalid-input' && error.code !== 'inputs-changed')) return error;
  return new NasError(error.code, `${loaded.where(path)}: ${pathText(path)}: ${error.message}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

function readText(file: string): string {
  try {
    if (!statSync(file).isDirectory()) return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT')
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

/** Runs a task for the value at a key path; errors get the position of that value. */
export type Locating = <T>(path: KeyPath, task: () => Promise<T> | T) => Promise<T>;

/** For an experiment with a file. */
export const locatingIn =
  (loaded: LoadedExperiment): Locating =>
  async (path, task) => {
    try {
      return await task();
    } catch (error) {
      throw locate(loaded, path, error);
    }
  };

/** For an experiment without a file: errors are unchanged. */
export const locatingNowhere: Locating = async (_path, task) => task();
