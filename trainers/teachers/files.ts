import { basename } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { isMapTask } from '../../base/task.js';
import {
  classifierFile,
  mapStrides,
  segmenterFile,
  fitClassifier,
  foreignNetwork,
  isTfjs,
  onnxSignature,
  type ClassifierSignature,
  openClassifier,
  openOnnx,
  parseOnnx,
} from '../../compiler/index.js';
import { detectionStrides } from '../../spaces/index.js';
import { withDataset, type Dataset, type DatasetInfo, type Size } from '../data/index.js';
import { gridOf } from '../data/box-targets.js';
import { chooseEngine, placeOf } from '../engines/index.js';
import { foundScale, scaleOfSegmenter } from '../pretrained/normalisation.js';
import { fileInput, inputOf, writtenScale } from '../pretrained/read.js';
import { dataSettings, tuneTraining } from '../pretrained/training.js';
import type { Adaptation } from '../pretrained/tune.js';
import type { TrainConfig } from '../schema/recipe.js';
import type { Teacher, TeacherConfig, TeacherNormalisation } from '../schema/teacher.js';
import type { TeacherOptions, TeacherSource } from './source.js';
import { type Learned, teacherTraining } from './trained.js';

type Config<Type extends Teacher['type']> = Extract<Teacher, { readonly type: Type }>;

/** How a configured teacher is trained or fine-tuned; null: it is not, or its minutes decide when it begins. */
export function teacherSchedule(
  config: TeacherConfig,
  data: Learned,
  train: TeacherOptions['train'],
): TrainConfig | null {
  if (config.type === 'train') return config.minutes === undefined ? teacherTraining(config, data, train) : null;
  return config.type === 'file' && config.adapt === 'all'
    ? tuneTraining(data.counts.train, { ...dataSettings(train), epochs: config.epochs })
    : null;
}

const nameOf = ({ path }: Config<'file'>): string => `the teacher ${path}`;

/** Whether a configured file is adapted to the data before it teaches. */
export const isAdapted = (config: Config<'file'>): config is AdaptedConfig =>
  config.adapt === 'head' || config.adapt === 'all';

export type AdaptedConfig = Config<'file'> & { readonly adapt: Adaptation };

/**
 * The size in which the data must be rendered for a configured teacher; null: the data's own size. It reads the files of all
 * teachers.
 * @throws NasError `invalid-input` when a file is missing or no classifier
 */
export async function teacherSize(config: Teacher | { readonly type: 'none' }): Promise<Size | null> {
  if (config.type === 'network') return [config.network.input[0], config.network.input[1]];
  // Teachers of different sizes are refused when they are prepared.
  if (config.type === 'average') return (await Promise.all(config.of.map(teacherSize)))[0];
  const input = config.type === 'file' ? await fileInput(config) : undefined;
  return input === undefined ? null : [input[0], input[1]];
}

/** A file as a classifier of the data, and the normalisation of its images. */
function fitFile(config: Config<'file'>, bytes: Uint8Array, info: DatasetInfo) {
  const where = nameOf(config);
  const signature = onnxSignature(parseOnnx(bytes, where), where);
  const [height, width] = inputOf(signature, config) ?? [info.height, info.width];
  const data = { ...info, height, width };
  const written = writtenScale(config, data);
  const { classes, layout } = config;
  const classifier = fitClassifier(signature, data, where, { ...written, classes, layout });
  const isWritten = written.mean !== undefined || written.std !== undefined;
  const from = isWritten ? 'configuration' : classifier.normalisation === null ? 'data' : 'metadata';
  const { mean, std } = classifier.normalisation ?? data;
  const normalisation: TeacherNormalisation = { mean, std, from };
  return { data, classifier, normalisation, stride: strideOf(signature, data, where) };
}

/**
 * Pixels for each cell of a detector or segmenter; undefined where the data has neither boxes nor masks.
 * @throws NasError `invalid-input` for such data and a file that has no maps
 */
function strideOf(
  { output, facts }: ClassifierSignature,
  { height, width, task }: DatasetInfo,
  where: string,
): number | undefined {
  if (!isMapTask(task.type)) return undefined;
  const found = mapStrides.find((stride) => {
    const { rows, columns } = gridOf([height, width], stride);
    return facts.task?.type === task.type && String(output.shape.slice(1, 3)) === String([rows, columns]);
  });
  if (found !== undefined) return found;
  const [what, data, give] =
    task.type === 'segmentation'
      ? ['segmenter', 'masks', 'a file with one output of logits for each class and pixel, or cell of pixels']
      : ['detector of nas', 'boxes', 'an ONNX file of a detector that nas exported'];
  throw invalidInput(`${where} is no ${what}, and the data has ${data}`, { hint: `Give ${give}.` });
}

/**
 * Checks that the files of teachers fit the data, before anything trains. TF.js models are checked by the job that runs them,
 * which loads TF.js.
 * @throws NasError `invalid-input` as `fileTeacher`
 */
export async function checkTeacher(config: Teacher | { readonly type: 'none' }, info: DatasetInfo): Promise<void> {
  if (config.type === 'average') for (const one of config.of) await checkTeacher(one, info);
  if (config.type === 'file' && !isAdapted(config) && !isTfjs(config.path))
    fitFile(config, await readFile(config, info), info);
}

/**
 * A teacher's file as ONNX. A segmenter's map is averaged to the smallest cells that a student has, since its logits are stored for
 * all images.
 */
const readFile = async (config: Config<'file'>, info: DatasetInfo): Promise<Uint8Array> =>
  segmenterFile(await classifierFile(config.path), nameOf(config), info, {
    layout: config.layout,
    least: detectionStrides[0],
  });

/**
 * Finds the normalisation of a file: of a segmenter by its answers, of a classifier by its norms. Null for a classifier without norms,
 * and for one that cannot be read.
 */
function scaleIn(
  bytes: Uint8Array,
  config: Config<'file'>,
  dataset: Dataset,
  stride: number | undefined,
): Promise<TeacherNormalisation | null> {
  const { path, layout, classes } = config;
  if (dataset.info.task.type === 'segmentation' && stride !== undefined)
    return scaleOfSegmenter(bytes, dataset, { where: nameOf(config), stride, classes });
  const signature = onnxSignature(parseOnnx(bytes, path), path);
  const [height, width] = inputOf(signature, { layout }) ?? [dataset.info.height, dataset.info.width];
  try {
    const network = foreignNetwork(bytes, { where: path, layout, size: [height, width] });
    return network.norms.length === 0 ? Promise.resolve(null) : foundScale(network, dataset);
  } catch {
    return Promise.resolve(null);
  }
}

/**
 * An image classifier of another program, run by ONNX Runtime. The file's metadata completes the configuration: `layout`, and
 * `classes`, `mean` and `std` as JSON arrays, as in this package's own exports.
 */
export async function fileTeacher(
  config: Config<'file'>,
  info: DatasetInfo,
  { engine, threads, dataset }: TeacherOptions,
): Promise<TeacherSource> {
  const bytes = await readFile(config, info);
  const written = fitFile(config, bytes, info);
  const isSaid = config.normalisation !== undefined || written.normalisation.from !== 'data';
  const found = isSaid ? null : await withDataset(dataset, (open) => scaleIn(bytes, config, open, written.stride));
  const { data, classifier, stride } =
    found === null ? written : fitFile({ ...config, mean: [...found.mean], std: [...found.std] }, bytes, info);
  const normalisation = found ?? written.normalisation;
  const { layout, order, kind } = classifier;
  return {
    name: basename(config.path),
    hash: contentHash('onnx', bytes, layout, classifier.normalisation, order),
    accuracy: null,
    size: [data.height, data.width],
    stride,
    kind,
    normalisation,
    open: async () =>
      openClassifier(
        await openOnnx(bytes, nameOf(config), { ...placeOf(await chooseEngine(engine)), threads }),
        classifier,
        data,
        nameOf(config),
      ),
  };
}
