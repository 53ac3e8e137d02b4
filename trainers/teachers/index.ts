import { cacheDirectory } from '../../base/files.js';
import { withDataset, type DatasetInfo } from '../data/index.js';
import { lossFor } from '../losses/index.js';
import type { NetworkTeacher, Teacher, TeacherConfig } from './schema.js';
import { layersModelTeacher, onnxTeacher } from './classifiers.js';
import { AskedTeacher } from './logits.js';
import type { PreparedTeacher } from './prepared.js';
import { givenTeacher } from './network.js';
import type { TeacherFinder, TeacherOptions, TeacherSource } from './source.js';
import { trainedTeacher } from './trained.js';

export type { PreparedTeacher, TeacherLogits, TeacherModelSource } from './prepared.js';
export type { TeacherHooks, TeacherOptions } from './source.js';

type Teaching = Teacher['type'];
type ConfigOf = { readonly [K in Teaching]: Extract<Teacher, { type: K }> };
type ConfigOfType<K extends Teaching> = ConfigOf[K];

const finders: { readonly [K in Teaching]: TeacherFinder<K> } = {
  train: trainedTeacher,
  onnx: onnxTeacher,
  'layers-model': layersModelTeacher,
  network: givenTeacher,
};

function find<K extends Teaching>(
  config: ConfigOfType<K>,
  info: DatasetInfo,
  options: TeacherOptions & { readonly cache: string },
): Promise<TeacherSource> {
  return finders[config.type](config, info, options);
}

/**
 * Finds or trains the teacher, checks that it knows the data's classes, and computes its logits of every view of the
 * train split. Everything is cached by content, so a second call is quick; training continues after an interruption.
 * Null when the configuration has no teacher.
 *
 * Students must be trained with the same `augment` and, through the prepared teacher, the same view seed (Beyer et al.
 * 2022: teacher and student see the same view).
 *
 * @throws NasError `invalid-input` when the teacher does not fit data or loss; `interrupted` when the hooks' signal is
 *   aborted; `failure` when the teacher's training diverges
 */
export async function prepareTeacher(
  config: TeacherConfig | NetworkTeacher,
  options: TeacherOptions,
): Promise<PreparedTeacher | null> {
  if (config.type === 'none') return null;
  const loss = lossFor(options.train.loss, config.type);
  const settled = { ...options, cache: options.cache ?? cacheDirectory() };
  return withDataset(options.dataset, async (dataset) => {
    const { info } = dataset;
    const source = await find(config, info, settled);
    const teacher = new AskedTeacher(source, dataset, settled);
    try {
      const { accuracy, outputs } = await teacher.verdict();
      return {
        type: config.type,
        name: source.name,
        hash: source.hash,
        accuracy,
        classes: info.classes,
        logits: loss.type === 'cross-entropy' ? null : await teacher.logits(outputs),
        model: source.model,
      };
    } finally {
      await teacher.close();
    }
  });
}
