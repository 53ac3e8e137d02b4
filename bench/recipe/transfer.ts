import { existsSync, linkSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../base/random.js';
import { withMetadata, type ModelMetadata } from '../../deploy/index.js';
import { evaluateOnSplit } from '../../runner/index.js';
import { mean } from '../../base/statistics.js';
import { presetNetworks, type Network } from '../../spaces/index.js';
import { toOnnx } from '../../spaces/models/index.js';
import {
  dataSchema,
  defaultAugment,
  describeDataset,
  fit,
  fromTrained,
  prepareDataset,
  prepareTeacher,
  readWeights,
  teacherSchema,
  tune,
  tuneTraining,
  type DatasetRef,
  type PreparedTeacher,
  type TrainConfig,
} from '../../trainers/index.js';
import { cached, cpuSeconds, folderOf, testAccuracy, threads, trainAlone, type Trained } from '../supernet/alone.js';
import { cifarImages, hooks } from '../supernet/setting.js';
import {
  each,
  engine,
  networkOf,
  points,
  progress,
  signed,
  standardError,
  train,
  trainOf,
  type Images,
  type Setting,
} from './setting.js';
import type { Rows } from './studies.js';

const known = ['airplane', 'automobile', 'bird', 'cat', 'deer'];
const others = ['dog', 'frog', 'horse', 'ship', 'truck'];
/** Images of each class: with labels, of which a fifth is for validation; without labels; for the test. */
const images = { labelled: 50, unlabelled: 1000, test: 1000 };

/** Links files into a folder, once. */
function linked(files: readonly string[], from: string, folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true });
  for (const file of files) linkSync(join(from, file), join(folder, file));
}

/** Trains a network on five classes of CIFAR-10. */
async function pretrained(setting: Setting, build: (images: Images) => Promise<Network> | Network): Promise<Model> {
  const { folder, quick } = setting;
  const all = await cifarImages(folder);
  const source = join(folder, 'known');
  for (const name of known) linked(readdirSync(join(all, name)), join(all, name), join(source, name));
  const data = dataSchema.parse({ type: 'image-folder', path: source, size: 32, test: 0.001, validation: 0.05 });
  const dataset = await prepareDataset(data);
  const augment = ['flip', { type: 'crop', pixels: 4 }];
  const own = { dataset, data, augment: [], plain: {} };
  const network = await build(own);
  const config = trainOf('fast', own, { epochs: quick ? 1 : 12, augment });
  progress(`a network learns ${known.join(', ')}`);
  const { weights } = await trainAlone({ train: config, dataset, engine, folder }, network, 1);
  const { mean: centre, std, classes } = describeDataset(dataset);
  return { network, weights, facts: { classes, mean: centre, std, layout: 'NHWC', input: [32, 32, 3] } };
}

interface Model {
  readonly network: Network;
  /** File of its weights. */
  readonly weights: string;
  readonly facts: Partial<ModelMetadata>;
}

/** A model as an ONNX file of another program: without its network. */
function writeOnnx({ network, weights, facts }: Model, file: string): string {
  writeFileSync(file, withMetadata(toOnnx({ network, weights: readWeights(network, weights) }), facts));
  return file;
}

const resnet = (quick: boolean): Network =>
  presetNetworks.resnet({ input: [32, 32, 3], classes: known.length }, quick ? 0.25 : 1);

/** The images of the other classes: few with labels, drawn by a seed, and some without. */
async function transferImages({ folder }: Setting, seed: number): Promise<Images & { readonly unlabelled: string }> {
  const all = await cifarImages(folder);
  const own = join(folder, `others-${seed}`);
  const unlabelled = join(folder, `unlabelled-${seed}`);
  for (const name of others) {
    const files = readdirSync(join(all, name)).sort();
    const rest = new Random(seed, 'transfer', name).shuffle(files.slice(images.test));
    const [train, labelled] = [Math.round(0.8 * images.labelled), images.labelled];
    const from = join(all, name);
    linked(files.slice(0, images.test), from, join(own, 'test', name));
    linked(rest.slice(0, train), from, join(own, 'train', name));
    linked(rest.slice(train, labelled), from, join(own, 'validation', name));
    linked(rest.slice(labelled, labelled + images.unlabelled), from, join(unlabelled, name));
  }
  const data = dataSchema.parse({ type: 'image-folder', path: own, size: 32 });
  return { dataset: await prepareDataset(data), data, augment: defaultAugment(data), plain: {}, unlabelled };
}

/** A training from nothing by the recipe, of about the same CPU time. */
async function fromNothing(
  setting: Setting,
  own: Images,
  { network, seconds, seed }: { readonly network: Network; readonly seconds: number; readonly seed: number },
): Promise<Trained> {
  const config = (steps: number) => trainOf('fast', own, { steps });
  const short = setting.quick ? 10 : 150;
  const first = await train(setting, own, network, config(short), seed);
  return train(setting, own, network, config(Math.round((short * seconds) / first.cpuSeconds)), seed);
}

/** A row of the table: its accuracy, that of the same network from nothing in the same CPU time, and that time. */
interface Result {
  readonly accuracy: number;
  readonly from: number;
  readonly seconds: number;
}

/**
 * A network of five classes that is adapted to five others, 50 images each, as a teacher; students of it on 5,000 further
 * images without labels, from random weights and from weights of the five classes; and the same networks from nothing.
 */
export async function transfer(setting: Setting): Promise<Rows> {
  const { folder, quick, seeds } = setting;
  const path = writeOnnx(await pretrained(setting, () => resnet(quick)), join(folder, 'known.onnx'));
  const start = await pretrained(setting, (images) => networkOf(images, { shape: '8 M' }));
  const results = await each(seeds, async (seed): Promise<readonly Result[]> => {
    const own = await transferImages(setting, seed);
    const { dataset, augment } = own;
    const info = describeDataset(dataset);
    const directory = folderOf(folder, 'tuned', [info.hash, seed]);
    const file = join(directory, 'tuned.onnx');
    const tuned = await cached(directory, async () => {
      const settings = { train: tuneTraining(info.counts.train, { augment }), freeze: [], engine, threads, seed };
      const job = { ...settings, file: { path }, adapt: 'all', dataset, cache: directory, directory } as const;
      const [{ model, source, head }, seconds] = await cpuSeconds(() => tune(job, hooks));
      const { mean: centre, std } = source.scale;
      const facts = { classes: info.classes, mean: centre, std, layout: 'NHWC', input: [32, 32, 3] } as const;
      writeFileSync(file, withMetadata(model, facts));
      const { accuracy } = await evaluateOnSplit(withMetadata(model, facts), dataset, 'test');
      return { accuracy, head: head.scores.accuracy, seconds };
    });
    progress(`seed ${seed}: the adapted network ${points(tuned.accuracy)} in ${tuned.seconds.toFixed(0)} s`);
    const alone = await fromNothing(setting, own, { network: resnet(quick), seconds: tuned.seconds, seed });
    progress(`seed ${seed}: from nothing ${points(alone.accuracy)} in ${alone.cpuSeconds.toFixed(0)} s`);

    const data = dataSchema.parse({ ...own.data, unlabelled: own.unlabelled });
    const more = { ...own, dataset: await prepareDataset(data), data };
    const config = trainOf('fast', more, { epochs: quick ? 1 : 30, loss: { type: 'kd' } });
    const prepared = { dataset: more.dataset, train: config, seed, engine, threads, cache: join(folder, 'answers') };
    const answers = folderOf(folder, 'transfer-answers', [describeDataset(more.dataset).hash, config, seed]);
    const [teacher, spent] = await cached(answers, () =>
      cpuSeconds(() => prepareTeacher(teacherSchema.parse({ type: 'file', path: file }), prepared)),
    );
    const { network } = start;
    const students = await each([undefined, start.weights], async (weights) => {
      const found = await studentOf(setting, { dataset: more.dataset, network, config, seed, weights, teacher });
      const seconds = tuned.seconds + spent + found.cpuSeconds;
      const from = weights === undefined ? 'random' : 'pretrained';
      progress(`seed ${seed}: its student from ${from} weights ${points(found.accuracy)} in ${seconds.toFixed(0)} s`);
      return { accuracy: found.accuracy, seconds };
    });
    const { seconds } = students[0];
    const student = await fromNothing(setting, own, { network, seconds, seed });
    progress(
      `seed ${seed}: the student from nothing ${points(student.accuracy)} in ${student.cpuSeconds.toFixed(0)} s`,
    );
    return [{ ...tuned, from: alone.accuracy }, ...students.map((found) => ({ ...found, from: student.accuracy }))];
  });
  const names = [
    'ResNet of 5 other classes, adapted',
    'its student (8 M), 5,000 images without labels',
    'the same from weights of the 5 other classes',
  ];
  const rows = names.map((name, index) => {
    const own = results.map((result) => result[index]);
    const gains = own.map(({ accuracy, from }) => accuracy - from);
    return [
      name,
      points(mean(own.map(({ accuracy }) => accuracy))),
      points(mean(own.map(({ from }) => from))),
      `${signed(mean(gains))} ± ${points(standardError(gains))}`,
      mean(own.map(({ seconds }) => seconds)).toFixed(0),
    ];
  });
  return [['50 images of each of 5 classes', 'accuracy', 'from nothing', 'gain', 'CPU seconds'], ...rows];
}

interface Student {
  readonly dataset: DatasetRef;
  readonly network: Network;
  readonly config: TrainConfig;
  readonly seed: number;
  /** Initial weights; undefined: random. */
  readonly weights: string | undefined;
  readonly teacher: PreparedTeacher | null;
}

/** Trains a student; cached. */
async function studentOf(
  { folder }: Setting,
  { dataset, network, config, seed, weights, teacher }: Student,
): Promise<{ readonly accuracy: number; readonly cpuSeconds: number }> {
  const directory = folderOf(folder, 'students', [describeDataset(dataset).hash, config, seed, teacher?.hash, weights]);
  return cached(directory, async () => {
    const initial = weights === undefined ? undefined : { file: weights, partial: true };
    const train = initial === undefined ? config : fromTrained(config);
    const job = { network, seed, train, dataset, teacher, engine, threads, directory, initial };
    const [result, seconds] = await cpuSeconds(() => fit(job, hooks));
    if (result.state !== 'complete') throw new Error('interrupted');
    return { accuracy: await testAccuracy({ dataset, engine }, network, result.weights), cpuSeconds: seconds };
  });
}
