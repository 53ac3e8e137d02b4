import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import type { Store, StoredPrecision } from '../../store/index.js';
import { calibrateConfidence, type Calibrated } from '../../trainers/index.js';
import { imagesOfRun } from '../inputs.js';
import { experimentOf } from '../stored/experiment.js';
import { frontierCandidates } from '../stored/candidates.js';
import { trainedModel, type TrainedModel } from './trained-model.js';

/** The artifact kinds of a run's networks. */
const artifactKinds: { readonly [P in StoredPrecision]: string } = { fp32: 'onnx', int8: 'onnx-int8' };

/** A trained network of a run that can be written as a file. */
export interface ExportSource {
  /** Number of the trial. */
  readonly number: number;
  /** The run's choice; fp32 where it had none. */
  readonly precision: StoredPrecision;
  /** The run's own file, where there is one. */
  readonly written: (precision: StoredPrecision) => Uint8Array | undefined;
  /** @throws NasError `invalid-input` when there is no such network, or it has no weights */
  readonly trained: () => Promise<TrainedModel>;
}

/** The network of a trial. */
export function exportSource(
  store: Store,
  workdir: string,
  number: number,
  precision: StoredPrecision = store.trials.get(number)?.precision ?? 'fp32',
): ExportSource {
  return {
    number,
    precision,
    written(which) {
      const wanted = artifactKinds[which];
      const file = store.artifacts.all().findLast((artifact) => artifact.trial === number && artifact.kind === wanted);
      return file && readFileSync(join(workdir, file.path));
    },
    trained: () => trainedModel(store, workdir, number),
  };
}

/**
 * The network with a temperature in its last layer (`calibrateConfidence`), fitted on the validation images of the run.
 * @param onFitted called with what the temperature changes
 */
export function calibratedSource(
  source: ExportSource,
  { store, workdir }: { readonly store: Store; readonly workdir: string },
  options: {
    readonly onProgress: (done: number, total: number) => void;
    readonly onFitted: (found: Omit<Calibrated, 'model'>) => void;
  },
): ExportSource {
  return {
    ...source,
    written: () => undefined,
    async trained() {
      const { model, metadata } = await source.trained();
      const dataset = await imagesOfRun(store, workdir);
      const found = await calibrateConfidence(model, dataset, { threads: 1, onProgress: options.onProgress });
      options.onFitted(found);
      return { model: found.model, metadata: { ...metadata, temperature: found.temperature } };
    },
  };
}

/**
 * The networks of a run's frontier: one that is on it in two precisions comes twice.
 * @throws NasError `invalid-input` when no trial is complete yet
 */
export function frontierSources(store: Store, workdir: string): ExportSource[] {
  const members = frontierCandidates(store.trials.all(), experimentOf(store).objectives);
  if (members.length === 0) throw invalidInput('there is no frontier to export: no trial is complete yet');
  return members.map(({ trial, precision }) => exportSource(store, workdir, trial.number, precision));
}
