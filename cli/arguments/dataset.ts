import { trainingExperimentOf } from '../../runner/stored/experiment.js';
import { invalidInput } from '../../base/errors.js';
import type { Rendering } from '../../base/preprocess.js';
import { notForBoxes, notForMasks } from '../../base/task.js';
import { didYouMean } from '../../base/text.js';
import { z } from 'zod';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadExperiment, trainingOf } from '../../experiments/parse/index.js';
import type { TrainingExperiment } from '../../experiments/schema/experiment.js';
import type { RunObserver } from '../../runner/events.js';
import { isMap } from '../../experiments/parse/problem.js';
import { databasePath, hasRun } from '../../runner/stored/workdir.js';
import { Store } from '../../store/index.js';
import {
  dataSchema,
  isPlaced,
  labelledImages,
  prepareDataset,
  renderingOf,
  type DataConfig,
  type DatasetRef,
  type PrepareOptions,
} from '../../trainers/index.js';
import { withRun } from '../open-run.js';
import { placedAt, yamlAt } from './boxes.js';

const types = dataSchema.options.flatMap(({ shape: { type } }): readonly string[] =>
  type instanceof z.ZodEnum ? type.options : [...type.values],
);

/** Whether a YAML file holds `data:` and nothing else. */
const isDataAlone = (file: string): boolean => Object.keys(yamlAt(file)).join() === 'data';

/** The experiment in a file; a file with `data:` alone has the default values for the rest. */
function experimentAt(file: string): TrainingExperiment {
  // What an experiment needs besides its data changes nothing of the data. Images without labels need a teacher.
  const { data } = yamlAt(file);
  const taught = isMap(data) && 'unlabelled' in data ? ['teacher=train'] : [];
  const set = isDataAlone(file) ? ['name=data', 'space=mobilenet', ...taught] : [];
  return trainingOf(loadExperiment(file, { set }));
}

/** The experiment of a `--data` that is an experiment file or the folder of a run; undefined for other data. */
export function experimentFor(argument: string): TrainingExperiment | undefined {
  if (/\.ya?ml$/.test(argument)) return experimentAt(argument);
  if (!hasRun(argument)) return undefined;
  using store = Store.open(databasePath(argument), { readonly: true });
  return trainingExperimentOf(store, argument);
}

/** Whether an argument is a type of data set, alone or before the path of its files. */
export const isDataset = (argument: string): boolean => types.includes(argument.split(':')[0]);

/**
 * A data set as an argument: an experiment file or the `data:` of one, the folder of a run, `fashion-mnist`, or `type:path`.
 * @param rendering of the images that a model takes, for folders of images that are given without an experiment
 * @throws NasError `invalid-input` when it is none of these, or has boxes
 */
export function parseDataset(argument: string, rendering: Rendering | undefined): DataConfig {
  const config = /^boxes(:|$)/.test(argument) ? null : parsed(argument, rendering);
  if (config === null || config.type === 'boxes') throw notForBoxes('the command');
  if (config.type === 'masks') throw notForMasks('the command');
  return config;
}

/** `parseDataset` of a command that also takes images with boxes or masks: `boxes:path`, `masks:path`, or a file that lists boxes. */
export async function parseDatasetOrBoxes(argument: string, rendering: Rendering | undefined): Promise<DataConfig> {
  const placed = hasRun(argument) ? null : await placedAt(argument);
  if (placed === null) return parsed(argument, rendering);
  if (!existsSync(placed.path)) throw invalidInput(`--data ${argument}: there is no ${placed.path}`);
  if (rendering === undefined) return placed;
  const { size, channels, resampling } = rendering;
  return { ...placed, size: [...size], channels: channels === 1 ? 1 : 3, resampling };
}

function parsed(argument: string, rendering: Rendering | undefined): DataConfig {
  const experiment = experimentFor(argument);
  if (experiment !== undefined) return experiment.data;
  const colon = argument.indexOf(':');
  const type = colon < 0 ? argument : argument.slice(0, colon);
  const path = colon < 0 ? undefined : resolve(argument.slice(colon + 1));
  if (path !== undefined && !existsSync(path)) throw invalidInput(`--data ${argument}: there is no ${path}`);
  if (path === undefined && (type === 'image-folder' || type === 'list'))
    throw invalidInput(`--data ${argument}: expected the folder or list of the images after it`, {
      hint: 'For example --data image-folder:images.',
    });
  const images = type === 'image-folder' || type === 'list' ? rendering : undefined;
  const checked = dataSchema.safeParse({ type, ...(path === undefined ? {} : { path }), ...images });
  if (checked.success) return checked.data;
  const known = types.includes(type);
  throw invalidInput(
    known
      ? `--data ${argument}: ${checked.error.issues.map(({ path: key, message }) => `${key.join('.')}: ${message}`).join('; ')}`
      : `--data ${argument}: expected an experiment file, the folder of a run, or one of ${types.join(', ')} with :folder after it${didYouMean(type, types)}`,
    { hint: 'For example --data fashion-mnist, --data cifar10:data/cifar-10-batches-bin, --data experiment.yaml.' },
  );
}

/**
 * Converts a data set for a model. The model's metadata says how its images are rendered; the splits do not depend on it.
 * @param argument which `parseDataset` has understood; of a run, these are its own images
 * @param rendering how the model's images are rendered; undefined: unknown
 * @throws NasError `inputs-changed` when the images of a run are others than when it began
 */
export async function prepareFor(
  argument: string,
  config: DataConfig,
  rendering: Rendering | undefined,
  options: Omit<PrepareOptions, 'renderings'>,
): Promise<DatasetRef> {
  const own = renderingOf(config);
  // Images of other channels are refused where the model meets them.
  const taken = rendering?.channels === own.channels ? [rendering] : [];
  // Detectors see whole images; a file that does not say so means the same.
  const renderings = isPlaced(config) ? taken.map(({ size }) => ({ ...own, size })) : taken;
  if (hasRun(argument))
    return withRun(argument, async (store) => {
      const { imagesOfRun } = await import('../../runner/inputs.js');
      return imagesOfRun(store, argument, { ...options, renderings });
    });
  return prepareDataset(labelledImages(config), { ...options, renderings });
}

/** Options of `prepareFor` that report the reading of images as events of a run. */
export function reported(observe: RunObserver, signal: AbortSignal): Parameters<typeof prepareFor>[3] {
  observe({ kind: 'phase', name: 'data', message: 'Reading the images' });
  return {
    signal,
    onProgress: (done, total) => observe({ kind: 'progress', phase: 'data', done, total, unit: 'images' }),
    onNote: (message) => observe({ kind: 'note', message }),
  };
}
