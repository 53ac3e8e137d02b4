import { requireKnown } from '../compiler/index.js';
import { loadController } from '../search/index.js';
import { checkClassWeight, teacherSize, type Size, type TrainConfig } from '../trainers/index.js';
import { precisionsOf } from './compress/gates.js';
import type { Locating } from '../experiments/parse/index.js';
import type { TrainingExperiment } from '../experiments/schema/experiment.js';
import { isOwnSupernet } from '../experiments/schema/run-experiment.js';
import { measureNamed } from '../experiments/schema/measures.js';
import { warmStart, type WarmStart, type WarmStartInput } from './warm-start/index.js';
import { checkGivenModel } from './latency/given-model.js';

/** The trainings of the run's own networks, by their key in the file. */
export const trainings = ({
  train,
  supernet,
  final,
}: TrainingExperiment): (readonly [key: string, config: TrainConfig])[] => [
  ['train', train],
  ...(supernet === undefined || !isOwnSupernet(supernet) ? [] : [['supernet', supernet] as const]),
  ...(final === null ? [] : [['final', final] as const]),
];

/** @throws NasError `invalid-input` for a provider that ONNX Runtime does not have; whether one works here is not tried. */
export async function requireKnownProviders(
  { engine: { provider }, latency: { device } }: Pick<TrainingExperiment, 'engine' | 'latency'>,
  locating: Locating,
): Promise<void> {
  if (provider !== undefined) await locating(['engine', 'provider'], () => requireKnown(provider));
  if (device.type === 'local') await locating(['latency', 'device', 'provider'], () => requireKnown(device.provider));
}

/**
 * Checks what a run reads beside its images, before anything trains; `nas run` and `nas validate` share it.
 * @param classes names of the data's outputs
 * @returns the size of the teacher's images; null: that of the data
 * @throws NasError `invalid-input` for weights of unknown classes, and unusable files of teachers and latency models
 */
export async function checkTrainings(
  experiment: TrainingExperiment,
  classes: readonly string[],
  locating: Locating,
): Promise<Size | null> {
  for (const [key, { class_weight: weight }] of trainings(experiment))
    if (weight !== undefined) await locating([key, 'class_weight'], () => checkClassWeight(weight, classes));
  const { latency, compress, objectives } = experiment;
  if (objectives.some(({ name }) => measureNamed(name)?.source.kind === 'latency'))
    for (const precision of precisionsOf(compress))
      await locating(['latency', latency.from === undefined ? 'predictor' : 'from'], () =>
        checkGivenModel(latency, precision),
      );
  return locating(['teacher', 'path'], () => teacherSize(experiment.teacher));
}

/**
 * The networks that a search tries first; checks its controller. `nas run` and `nas validate` share it.
 * @throws NasError `invalid-input` as `warmStart` and `loadController`
 */
export async function startOfSearch(
  input: WarmStartInput & { readonly search: Parameters<typeof loadController>[0] },
  locating: Locating,
): Promise<WarmStart> {
  const { search, space, objectives, seed } = input;
  const start = await warmStart(input, locating);
  const { enqueued, earlier } = start;
  await loadController(search, { space, objectives, seed, enqueued, earlier });
  return start;
}
