import { resolve } from 'node:path';
import { statSync } from 'node:fs';
import { parse } from 'yaml';
import { invalidInput, messageOf } from '../../base/errors.js';
import { isMap } from '../../experiments/parse/problem.js';
import type { Study } from '../../runner/study.js';

/** `<study>` and options of the commands that drive a study. */
export const studyArgument = {
  type: 'string',
  demandOption: true,
  describe: 'Folder of a study, or its experiment file (evaluate: {type: tell}), which begins it in runs/<name>',
} as const;

interface StudyArguments {
  readonly study: string;
  readonly workdir?: string | undefined;
  readonly set: readonly string[];
  readonly fresh?: boolean;
}

/**
 * Opens the study of a folder or of an experiment file for a task.
 * @param begins whether a file begins a study where there is none.
 * @throws NasError `invalid-input` when there is none.
 */
export async function withStudy<T>(
  { study: named, workdir, set, fresh = false }: StudyArguments,
  begins: boolean,
  task: (study: Study) => Promise<T>,
): Promise<T> {
  const isFolder = statSync(named, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isFolder && (workdir !== undefined || set.length > 0 || fresh))
    throw invalidInput(`${named}: is a folder; --workdir, --set and --fresh are for an experiment file`);
  const { Study: Opened } = await import('../../runner/study.js');
  const { loadExperiment } = await import('../../experiments/parse/load.js');
  const { defaultWorkdir, hasRun } = await import('../../runner/stored/workdir.js');
  const { drawReport } = await import('../../api/report.js');
  const loaded = isFolder ? null : loadExperiment(named, { set });
  const folder = resolve(loaded === null ? named : (workdir ?? defaultWorkdir(loaded.experiment.name)));
  if (loaded !== null && !begins && !hasRun(folder))
    throw invalidInput(`${folder}: there is no study here`, { hint: `nas ask ${named} begins it.` });
  const study = await Opened.open(loaded, folder, { fresh, report: drawReport });
  try {
    return await task(study);
  } finally {
    study.close();
  }
}

/** A map of an option, as YAML or JSON. @throws NasError `invalid-input` when it is none. */
export function parseMap(option: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw invalidInput(`${option} ${text}: not YAML or JSON: ${messageOf(error)}`);
  }
  if (isMap(value)) return value;
  throw invalidInput(`${option} ${text}: expected a map, such as '{"accuracy": 0.91}'`);
}
