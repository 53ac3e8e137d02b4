import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import type { Store, StoredPrecision } from '../../store/index.js';
import { experimentOf } from '../stored/experiment.js';
import { frontierCandidates } from '../stored/candidates.js';
import { shrunkModel, trainedModel, type TrainedModel } from '../models/trained-model.js';

/** The artifact kinds of a run's networks. */
const artifactKinds: { readonly [P in StoredPrecision]: string } = { fp32: 'onnx', int8: 'onnx-int8' };

/** A trained network of a run that can be written as a file. */
export interface ExportSource {
  readonly kind: 'trial' | 'shrunk';
  readonly number: number;
  /** The run's choice; fp32 where it had none. */
  readonly precision: StoredPrecision;
  /** The run's own file, where there is one. */
  readonly written: (precision: StoredPrecision) => Uint8Array | undefined;
  /** @throws NasError `invalid-input` when there is no such network, or it has no weights */
  readonly trained: () => Promise<TrainedModel>;
}

/** A trial's network, or one that was cut out of it. */
export function exportSource(
  store: Store,
  workdir: string,
  kind: ExportSource['kind'],
  number: number,
  precision: StoredPrecision = (kind === 'trial' ? store.trials.get(number)?.precision : undefined) ?? 'fp32',
): ExportSource {
  return {
    kind,
    number,
    precision,
    written(which) {
      const wanted = artifactKinds[which];
      const file = store.artifacts.all().findLast((artifact) => artifact[kind] === number && artifact.kind === wanted);
      return file && readFileSync(join(workdir, file.path));
    },
    trained: async () => (kind === 'trial' ? trainedModel : shrunkModel)(store, workdir, number),
  };
}

/**
 * The networks of a run's frontier: one that is on it in two precisions comes twice.
 * @throws NasError `invalid-input` when no trial is complete yet
 */
export function frontierSources(store: Store, workdir: string): ExportSource[] {
  const members = frontierCandidates(store.trials.all(), experimentOf(store).objectives);
  if (members.length === 0) throw invalidInput('there is no frontier to export: no trial is complete yet');
  return members.map(({ trial, precision }) => exportSource(store, workdir, 'trial', trial.number, precision));
}
