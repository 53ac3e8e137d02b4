import { resolve } from 'node:path';
import { statSync } from 'node:fs';
import { parse } from 'yaml';
import { invalidInput, messageOf } from '../../base/errors.js';
import { setOption } from '../command.js';
import type { Study } from '../../experiments/runner/study.js';

/** `<study>` and options of the commands that drive a study. */
export const studyArgument = {
  type: 'string',
  demandOption: true,
  describe: 'Folder of a study, or its experiment file (evaluate: {type: tell}), which begins it in runs/<name>',
} as const;

export { setOption };

interface StudyArguments {
  readonly study: string;
  readonly workdir?: string | undefined;
  readonly set: readonly string[];
  readonly fresh?: boolean;
}

/**
 * Opens the study of a folder or of an experiment file for a task.
 * @throws NasError `invalid-input` when there is none.
 */
export async function withStudy<T>(
  { study: named, workdir, set, fresh = false }: StudyArguments,
  task: (study: Study) => Promise<T>,
): Promise<T> {
  const { Study: Opened } = await import('../../experiments/runner/study.js');
  const { drawReport } = await import('../../api/report.js');
  const study = statSync(named, { throwIfNoEntry: false })?.isDirectory()
    ? await Opened.open(null, resolve(named), { report: drawReport })
    : await open();
  async function open(): Promise<Study> {
    const { loadExperiment } = await import('../../experiments/parse/load.js');
    const { defaultWorkdir } = await import('../../experiments/stored/workdir.js');
    const loaded = loadExperiment(named, { set });
    const folder = resolve(workdir ?? defaultWorkdir(loaded.experiment.name));
    return Opened.open(loaded, folder, { fresh, report: drawReport });
  }
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
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw invalidInput(`${option} ${text}: expected a map, such as '{"accuracy": 0.91}'`);
}
