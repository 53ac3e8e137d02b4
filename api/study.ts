import { resolve } from 'node:path';
import type { WrittenExperiment } from '../experiments/schema/experiment.js';
import { Study } from '../runner/study.js';
import { defaultWorkdir } from '../runner/stored/workdir.js';
import { defineExperiment } from './define-experiment.js';
import { drawReport } from './report.js';
import { listening, type RunListeners } from './run.js';

type WrittenStudy = Extract<WrittenExperiment, { readonly evaluate: { readonly type: 'tell' } }>;

/** The keys of the experiment file of a study. The keys of `evaluate` stand beside them, not under them. */
export interface StudyDefinition
  extends Omit<WrittenStudy, 'evaluate' | 'name'>, Omit<WrittenStudy['evaluate'], 'type'> {
  /** Default: `study`. */
  readonly name?: string;
  /** Folder of everything that it writes. Default: `runs/<name>`. */
  readonly workdir?: string;
  /** Deletes an earlier run in the workdir. Default: false. */
  readonly fresh?: boolean;
  readonly on?: RunListeners;
}

/**
 * Opens a search whose networks you evaluate yourself, or continues it: `ask` gives a network, `tell` takes its values, in
 * any order, several at a time, in several processes at once. The workdir is one of a run: `nas status`, `trials`, `pareto`
 * and `ui` show it.
 *
 * @example
 * const study = await openStudy({
 *   space: 'mobilenet',
 *   input: [32, 32, 3],
 *   classes: 10,
 *   objectives: ['accuracy', 'macs'],
 *   search: { trials: 40 },
 * });
 * for (let trial = await study.ask(); trial !== null; trial = await study.ask())
 *   await study.tell(trial.number, { accuracy: await trainElsewhere(trial.network) });
 * @param study its definition, or the workdir of one that exists.
 * @throws NasError `invalid-input` for a definition with mistakes, or another one than the workdir's.
 */
export function openStudy(study: StudyDefinition | string): Promise<Study> {
  if (typeof study === 'string') return Study.open(null, resolve(study), { report: drawReport });
  const {
    name = 'study',
    workdir = defaultWorkdir(name),
    fresh = false,
    on,
    input,
    classes,
    epochs,
    ...others
  } = study;
  const evaluate = { type: 'tell', input, classes, ...(epochs !== undefined && { epochs }) } as const;
  const loaded = defineExperiment({ ...others, name, evaluate });
  return Study.open(loaded, resolve(workdir), { fresh, report: drawReport, observe: listening(on) });
}
