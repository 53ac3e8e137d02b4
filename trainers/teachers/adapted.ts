import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeFileAtomic } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import { withDataset, type DatasetInfo } from '../data/index.js';
import { chooseEngine } from '../engines/index.js';
import { makeOnce } from '../make-once.js';
import { readPretrained } from '../pretrained/read.js';
import { dataSettings, tuneTraining } from '../pretrained/training.js';
import { tune } from '../pretrained/tune.js';
import { fileTeacher, type AdaptedConfig } from './files.js';
import { deciding, fitHooks, type TeacherOptions, type TeacherSource } from './source.js';

/** A file that learned from other images, adapted to the data once: cached by the content of file, data and settings. */
export async function adaptedTeacher(
  config: AdaptedConfig,
  info: DatasetInfo,
  options: TeacherOptions & { readonly cache: string },
): Promise<TeacherSource> {
  const { dataset, threads, seed, cache, hooks = {} } = options;
  const engine = await chooseEngine(options.engine);
  const { adapt, freeze = [], epochs } = config;
  const source = await withDataset(dataset, (open) => readPretrained(config, info, open));
  const train = tuneTraining(info.counts.train, { ...dataSettings(options.train), epochs });
  const { class_weight, class_sampling = 'natural' } = train;
  const isGiven = class_weight !== undefined || class_sampling === 'balanced';
  const balance = isGiven ? ('given' as const) : ('chosen' as const);
  const key = contentHash(
    'adapted, balance chosen',
    source.hash,
    info.hash,
    adapt,
    freeze,
    train,
    seed,
    deciding(engine),
  );
  const directory = join(cache, 'teachers', key.slice(0, 32));
  const path = join(directory, 'adapted.onnx');
  const job = { file: config, source, adapt, train, balance, freeze, dataset, seed, engine, threads, cache, directory };
  await makeOnce({
    path: directory,
    name: `the teacher, ${source.name} adapted to the data,`,
    find: () => existsSync(path) || null,
    make: async () => {
      const { model } = await tune(job, { ...fitHooks(hooks), onPart: hooks.onPart });
      writeFileAtomic(path, model);
      // Nothing reads the training again.
      for (const name of readdirSync(directory))
        if (name !== basename(path)) rmSync(join(directory, name), { recursive: true });
      return true;
    },
    ...hooks,
  });
  const { mean, std } = source.scale;
  const own = { mean: [...mean], std: [...std], classes: [...info.classes] };
  const teacher = await fileTeacher({ type: 'file', path, layout: 'NHWC', ...own }, info, options);
  return { ...teacher, name: `${source.name}, adapted`, normalisation: source.scale };
}
