import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { messageOf, NasError } from '../../../base/errors.js';
import { createScoreboard } from '../../../base/scoreboard.js';
import { classification, type LearningTask } from '../../../base/task.js';
import { encodeRead, openOnnx, toTrained } from '../../../compiler/index.js';
import { lowerOnnx } from '../../../deploy/edge/lower.js';
import { runReference } from '../../../deploy/edge/reference.js';
import { writeTflite } from '../../../deploy/edge/tflite/index.js';
import {
  edgeExporters,
  evaluateOnnx,
  exportOnnx,
  exportTfjs,
  exportWeb,
  halveWeights,
  prepareModel,
  quantizeClassifier,
  readMetadata,
  readExport,
  withMetadata,
  type ModelMetadata,
} from '../../../deploy/index.js';
import { readInput } from '../../../base/files.js';
import type { Network } from '../../../spaces/index.js';
import { answers, type Model } from '../../../spaces/models/index.js';
import { inlineRunner } from '../../../serve/inference/runner.js';
import { readModel as readServed } from '../../../serve/models/read-model.js';
import type { DatasetInfo } from '../../../trainers/index.js';
import { readPretrained } from '../../../trainers/pretrained/read.js';
import { teacherSchema } from '../../../trainers/schema/teacher.js';
import { fileTeacher } from '../../../trainers/teachers/files.js';
import type { TeacherOptions } from '../../../trainers/teachers/source.js';
import { temporaryFolder } from '../../support/temporary.js';
import { openLiteRt } from '../../support/litert.js';
import { floatEdge, metadataFor, shaken } from './classifiers.js';

/** What `nas export` writes, by the file that readers get. */
const files = {
  onnx: /\.onnx$/,
  fp16: /\.onnx$/,
  int8: /\.onnx$/,
  web: /\.onnx$/,
  tfjs: /^model\.json$/,
  tflite: /\.tflite$/,
  c: /\.c$/,
} as const;
export type Target = keyof typeof files;

/** A network with its answers to some images. */
export interface Subject {
  readonly model: Model;
  readonly task: LearningTask;
  readonly info: DatasetInfo;
  readonly images: Float32Array;
  readonly pixels: readonly Uint8Array[];
  readonly expected: Float32Array;
}

const count = 4;
const kindOf = ({ type }: LearningTask) => (type === 'regression' ? 'numbers' : 'logits');

/** The images one by one. */
const imagesOf = ({ images }: Subject): Float32Array[] =>
  Array.from({ length: count }, (_, i) => images.slice((i * images.length) / count, ((i + 1) * images.length) / count));

const mean = 0.5;
const std = 0.25;

/** A shaken network, and its answers in TF.js to bytes that are spread over all values. */
export function subjectOf(network: Network, task = classification): Subject {
  const model = shaken(network);
  const [height, width, channels] = network.input;
  const size = height * width * channels;
  const pixels = Array.from({ length: count }, (_, i) =>
    Uint8Array.from({ length: size }, (__, at) => ((at + 1) * (i + 3) * 2654435761) >>> 24),
  );
  const images = Float32Array.from(pixels.flatMap((image) => [...image].map((byte) => (byte / 255 - mean) / std)));
  const expected = tf.tidy(
    () => answers(model, task, tf.tensor(images, [count, ...network.input])).dataSync() as Float32Array,
  );
  const classes = Array.from({ length: network.classes }, (_, i) => `class ${i}`);
  const each = (value: number): number[] => new Array<number>(channels).fill(value);
  const counts = { train: count, validation: count, test: count };
  const shape = { height, width, channels, mean: each(mean), std: each(std) };
  return { model, task, images, pixels, expected, info: { name: 'it', task, classes, counts, hash: 'it', ...shape } };
}

const labelled = ({ images, expected, task }: Subject) =>
  async function* () {
    const labels = toTrained(task, kindOf(task))(expected);
    const right = task.type === 'regression' ? labels : labels.map((value) => Number(value > 0));
    yield await Promise.resolve({ images, labels: right, size: count });
  };

const metadataOf = ({ model, info, task }: Subject): ModelMetadata =>
  metadataFor(model.network.input, info.classes, {
    network: model.network,
    ...(task.type !== 'classification' && { task }),
  });

const onnxOf = (subject: Subject): Uint8Array => exportOnnx(subject.model, metadataOf(subject));

const quantizedOf = async (subject: Subject, bytes: Uint8Array): Promise<Uint8Array> =>
  (
    await quantizeClassifier(bytes, {
      data: subject.info,
      calibration: labelled(subject),
      validation: labelled(subject),
      methods: ['minmax'],
      percentile: 99.99,
      weightBits: 8,
    })
  ).model;

async function int8Of(subject: Subject): Promise<Uint8Array> {
  const quantized = await quantizedOf(subject, onnxOf(subject));
  const quantization = { method: 'minmax', images: count, weight_bits: 8 } as const;
  return withMetadata(quantized, { ...readMetadata(quantized), precision: 'int8', quantization });
}

/** Exports to each target; a rejection is an error of the exporter. */
const exporters: {
  readonly [T in Target]: (subject: Subject, directory: string) => unknown;
} = {
  onnx: (subject, directory) => writeFileSync(join(directory, 'model.onnx'), onnxOf(subject)),
  fp16: (subject, directory) => writeFileSync(join(directory, 'model.onnx'), halveWeights(onnxOf(subject), 'it')),
  int8: async (subject, directory) => writeFileSync(join(directory, 'model.onnx'), await int8Of(subject)),
  web: (subject, directory) => exportWeb(onnxOf(subject), metadataOf(subject), directory),
  tfjs: (subject, directory) => exportTfjs(subject.model, metadataOf(subject), directory),
  tflite: (subject, directory) => edgeExporters.tflite(onnxOf(subject), 'it', floatEdge(directory)),
  c: async (subject, directory) => edgeExporters.c(await int8Of(subject), 'it', floatEdge(directory)),
};

const shapeOf = ({ model }: Subject): readonly number[] => [count, ...model.network.input];

async function closing<T>(result: Promise<T>, close: () => Promise<unknown>): Promise<T> {
  try {
    return await result;
  } finally {
    await close();
  }
}

async function ran(bytes: Uint8Array, subject: Subject): Promise<Float32Array> {
  const { run, close } = await openOnnx(bytes, 'the file', { exactIntegers: true });
  return closing(run(subject.images, shapeOf(subject)), close);
}

/** Answers in the units of the file. */
type Reader = (file: string, subject: Subject) => Promise<Float32Array>;

const engine = { type: 'compiled' } as const;

const teacher: Reader = async (file, { info, images }) => {
  const train = { augment: [], loss: undefined, class_weight: undefined, class_sampling: undefined };
  const options = { dataset: { path: '' }, train, seed: 1, engine, threads: 1 } as unknown as TeacherOptions;
  const config = teacherSchema.parse({ type: 'file', path: file });
  if (config.type !== 'file') throw new Error('no teacher of a file');
  const source = await fileTeacher(config, info, options);
  const { outputs, close } = await source.open();
  return closing(outputs(images, count), close);
};

/** What reads files, by the command or key that uses it. */
const readers = {
  'train.from': async (file, { images, model, task }) => {
    const read = await readExport(file);
    const input = tf.tensor(images, [count, ...model.network.input]);
    return tf.tidy(() => answers(read.model, task, input).dataSync()) as Float32Array;
  },
  teacher,
  'nas tune': async (file, { info, images, model }) => {
    const { network, scale } = await readPretrained({ path: file }, info);
    if (scale.from !== 'metadata') throw new Error('the normalisation is not read');
    const weights = new Map(network.weights.map(({ name, shape, data }) => [name, tf.tensor(data, [...shape])]));
    const found = tf.tidy(() => {
      const { logits } = network.apply(
        (name) => weights.get(name) ?? tf.scalar(NaN),
        tf.tensor(images, [count, ...model.network.input]),
        { training: false },
      );
      return logits.dataSync() as Float32Array;
    });
    tf.dispose([...weights.values()]);
    return found;
  },
  'nas evaluate': async (file, subject) => {
    const bytes = readInput(file);
    const { info, task } = subject;
    const found = await ran(bytes, subject);
    const { loss } = await evaluateOnnx(bytes, labelled(subject)(), { data: info });
    const board = createScoreboard(task, info.classes.length);
    for await (const { labels, size } of labelled(subject)())
      board.add(toTrained(task, kindOf(task))(found), labels, size);
    if (!(Math.abs(loss - board.scores().loss) <= 1e-4 * loss)) throw new Error(`loss ${loss}, not of its answers`);
    return found;
  },
  'nas serve': async (file, { pixels }) => {
    const model = await readServed(file, 'it');
    const runner = await inlineRunner([model]);
    const inputs = pixels.map((data) => ({ kind: 'pixels', data }) as const);
    const { outputs } = await closing(runner.run(0, inputs), () => runner.close());
    return outputs;
  },
  'nas quantize': async (file, subject) => {
    const bytes = readInput(file);
    const prepared = await ran(encodeRead(prepareModel(bytes, file).graph), subject);
    await quantizedOf(subject, bytes);
    return prepared;
  },
  'nas export --to tflite': async (file, subject) => {
    const program = lowerOnnx(readInput(file), file);
    const lite = await openLiteRt(writeTflite(program, {}));
    const found: number[] = [];
    for (const image of imagesOf(subject)) for (const values of (await lite.run(image)).values()) found.push(...values);
    lite.close();
    return Float32Array.from(found);
  },
  'nas export --to c': (file, subject) => {
    edgeExporters.c(readInput(file), file, floatEdge(temporaryFolder()));
    const program = lowerOnnx(readInput(file), file);
    const found = imagesOf(subject).flatMap((image) => [
      ...(runReference(program, image).get(program.outputs[0]) ?? []),
    ]);
    return Promise.resolve(Float32Array.from(found, Number));
  },
} as const satisfies Readonly<Record<string, Reader>>;
type ReaderName = keyof typeof readers;

/** Largest difference from the expected answers, as a share of their spread. */
function differenceOf(found: Float32Array, { expected }: Subject): number {
  if (found.length !== expected.length || found.some((value) => Number.isNaN(value))) return Infinity;
  const differences = found.map((value, i) => Math.abs(value - expected[i]));
  return Math.max(...differences) / spreadOf(expected);
}

const spreadOf = (values: Float32Array): number => Math.max(1e-6, Math.max(...values) - Math.min(...values));

/**
 * Whether the answers differ from image to image by more than roundings. Dead networks answer with their biases alone, whose scales in
 * int8 are as small as the last layer's inputs.
 */
export const isAlive = ({ expected, info: { classes } }: Subject): boolean =>
  Math.max(...classes.map((_, c) => spreadOf(expected.filter((__, i) => i % classes.length === c)))) >
  0.01 * spreadOf(expected);

/** What a reader does with a file of a target: the largest difference of its answers, or the reason of the refusal. */
type Outcome = number | RegExp;

const exact = 2e-4;
const rounded = { fp16: 0.05, int8: 0.5 } as const;
const quantized = / is quantized already: node /;
const bytesOnly = /computes in float32: models in C compute in int8$/;
const halves = / holds constants of float16: /;
const isText = / is not an ONNX model: it is JSON, as TF\.js models are$/;
const isLite = / is not an ONNX model: it is a LiteRT file \(\.tflite\)$/;
/** C is for compilers. */
const isSource = / is not an ONNX model: /;

const everywhere = (outcome: Outcome): Readonly<Record<ReaderName, Outcome>> => ({
  'train.from': outcome,
  teacher: outcome,
  'nas tune': outcome,
  'nas evaluate': outcome,
  'nas serve': outcome,
  'nas quantize': outcome,
  'nas export --to tflite': outcome,
  'nas export --to c': outcome,
});

/** Every target by every reader. */
const outcomes: { readonly [T in Target]: Readonly<Record<ReaderName, Outcome>> } = {
  onnx: { ...everywhere(exact), 'nas export --to c': bytesOnly },
  web: { ...everywhere(exact), 'nas export --to c': bytesOnly },
  // Only what runs in ONNX Runtime takes weights of 16 bits.
  fp16: { ...everywhere(halves), teacher: rounded.fp16, 'nas evaluate': rounded.fp16, 'nas serve': rounded.fp16 },
  int8: { ...everywhere(rounded.int8), 'train.from': quantized, 'nas tune': quantized, 'nas quantize': quantized },
  tfjs: { ...everywhere(isText), 'train.from': exact, teacher: exact, 'nas tune': exact },
  tflite: everywhere(isLite),
  c: everywhere(isSource),
};

/** Reads an exported file. @returns the difference of its answers, or the message of the refusal */
async function readBack(name: ReaderName, file: string, subject: Subject): Promise<number | string> {
  try {
    return differenceOf(await readers[name](file, subject), subject);
  } catch (error) {
    if (error instanceof NasError) return messageOf(error);
    throw error;
  }
}

/** Exports a network to a target, and gives the file to every reader. @returns what differs from the table */
export async function surprises(subject: Subject, target: Target): Promise<string[]> {
  const directory = temporaryFolder();
  await exporters[target](subject, directory);
  const file = join(directory, readdirSync(directory).find((name) => files[target].test(name)) ?? 'nothing');
  const found: string[] = [];
  for (const reader of Object.keys(readers) as ReaderName[]) {
    const wanted = outcomes[target][reader];
    const outcome = await readBack(reader, file, subject);
    const isFine =
      typeof wanted === 'number' ? typeof outcome === 'number' && outcome <= wanted : wanted.test(`${outcome}`);
    if (!isFine) found.push(`${target} read by ${reader}: ${outcome}; expected ${wanted}`);
  }
  return found;
}
