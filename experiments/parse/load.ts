import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { isTableExperiment } from '../kinds.js';
import { experimentSchemas, kindOf, type Experiment, type TrainingExperiment } from '../schema.js';
import { contradictions } from './cross-checks.js';
import { missingFiles, resolvePaths } from './files.js';
import { experimentJsonSchema } from './json-schema.js';
import { nearest } from './nearest.js';
import { pathText, type KeyPath } from './path.js';
import { foreignKeys } from './foreign-keys.js';
import { problemsError } from './problem.js';
import { Source } from './source.js';
import { workersOverrides } from './workers.js';
import { zodProblems } from './zod-problems.js';

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
