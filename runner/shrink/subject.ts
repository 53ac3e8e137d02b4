import { invalidInput } from '../../base/errors.js';
import { readExport, type ModelMetadata } from '../../deploy/index.js';
import type { TrainingExperiment } from '../../experiments/schema/experiment.js';
import { deviceSchema, needsQueue, type ReachableDevice } from '../../latency-models/index.js';
import type { Model } from '../../spaces/models/index.js';
import { Store } from '../../store/index.js';
import { weightsFileOf } from '../initial-weights/read.js';
import { trainedModel } from '../exporting/trained-model.js';
import { databasePath, hasRun } from '../stored/workdir.js';
import type { ShrinkTarget } from './cut.js';

/** A trained network to shrink. */
export interface ShrinkSubject {
  /** For messages and metadata: `trial 7`, `model.onnx`. */
  readonly name: string;
  readonly model: Model;
  readonly metadata: Partial<ModelMetadata>;
  /** Whether batch norm is folded into its kernels: training needs its statistics back. */
  readonly isFolded: boolean;
  /** Of the order and the views of images. */
  readonly seed: number;
}

/**
 * Reads the network that `nas shrink` is given.
 * @param path the folder of a run, a file that nas exported, or the folder of one
 * @param trial number of the run's trial
 * @throws NasError `invalid-input` when there is no such network, it has no weights, or the file does not say which network it is
 */
export async function readShrinkSubject(path: string, trial: number | undefined): Promise<ShrinkSubject> {
  if (!hasRun(path)) {
    if (trial !== undefined)
      throw invalidInput(`--trial ${trial} goes with the folder of a run, and ${path} has none`, {
        hint: 'Leave it out, or give the folder of a run.',
      });
    const { model, metadata, folded } = await readExport(weightsFileOf(path));
    return { name: path, model, metadata, isFolded: folded, seed: metadata.seed ?? 1 };
  }
  if (trial === undefined)
    throw invalidInput(`${path} is a run: which of its trials?`, {
      hint: `Give --trial N; nas trials ${path} lists them.`,
    });
  using store = Store.open(databasePath(path), { readonly: true });
  const { model, metadata } = await trainedModel(store, path, trial);
  return { name: `trial ${trial}`, model, metadata, isFolded: false, seed: metadata.seed ?? 1 };
}

/**
 * The device to measure on: the given one, else the experiment's where it measures latency, else this machine. A budget of MACs
 * needs none; null: no latency is measured.
 * @throws NasError `invalid-input` for a table of latencies, and for workers of a queue
 */
export function shrinkDevice(
  given: ReachableDevice | undefined,
  { objective }: ShrinkTarget,
  experiment: TrainingExperiment | undefined,
): ReachableDevice | null {
  const isNeeded = objective === 'latency_ms';
  const measures = isNeeded || experiment?.objectives.some(({ name }) => name === 'latency_ms') === true;
  const device = given ?? (measures ? (experiment?.latency.device ?? deviceSchema.parse({})) : undefined);
  if (device === undefined) return null;
  if (device.type !== 'table' && device.type !== 'worker') return device;
  if (given === undefined && !isNeeded) return null;
  if (device.type === 'worker') throw needsQueue(device);
  throw invalidInput('a table of latencies knows the networks of its space only, not one that was cut', {
    hint: 'Give another --device, or a budget of --macs.',
  });
}
