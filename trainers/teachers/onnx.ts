import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { createSession } from '../../compiler/index.js';
import type { DatasetInfo } from '../data/index.js';
import type { ImageSize } from '../resize.js';
import type { TeacherConfig } from '../schema.js';
import { classOrder, reorder } from './classes.js';
import { createInputTransform, signatureOf, type Layout } from './onnx-input.js';
import type { OpenTeacher, TeacherFinder } from './source.js';

type OnnxConfig = Extract<TeacherConfig, { type: 'onnx' }>;

/** What the file's metadata may say about itself: `layout` as it is, the others as JSON. */
const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'not JSON' });
    return z.NEVER;
  }
});
const namesSchema = json.pipe(z.array(z.string()));
const layoutSchema = z.enum(['NHWC', 'NCHW']);
const numbersSchema = json.pipe(z.array(z.number()));

function readMetadata(path: string): { readonly bytes: Uint8Array; readonly metadata: ReadonlyMap<string, string> } {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw invalidInput(`teacher.path: ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  try {
    const { metadataProps } = fromBinary(ModelProtoSchema, bytes);
    return { bytes, metadata: new Map(metadataProps.map(({ key, value }) => [key, value])) };
  } catch (cause) {
    throw invalidInput(`teacher.path: ${path} is not an ONNX model: ${messageOf(cause)}`, { cause });
  }
}

async function load(path: string, provider: string, threads: number): Promise<InferenceSession> {
  try {
    return await createSession(path, { provider, threads });
  } catch (cause) {
    throw invalidInput(`teacher.path: ONNX Runtime cannot load ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** The normalisation that the model expects: as configured, else as its file says; null: the data's. */
function normalisation(config: OnnxConfig, metadata: ReadonlyMap<string, string>, channels: number) {
  const mean = config.mean ?? numbersSchema.safeParse(metadata.get('mean')).data;
  const std = config.std ?? numbersSchema.safeParse(metadata.get('std')).data;
  if (mean === undefined && std === undefined) return null;
  if (mean?.length !== channels || std?.length !== channels)
    throw invalidInput(
      `the teacher ${config.path} needs teacher.mean and teacher.std with ${channels} value(s) each, one a channel`,
    );
  return { mean, std };
}

/**
 * An ONNX image classifier, run by ONNX Runtime. What the configuration leaves out is taken from the file's metadata:
 * `layout`, and `classes`, `mean` and `std` as JSON arrays, as this package's own exports have them.
 */
export const onnxTeacher: TeacherFinder<'onnx'> = async (config, info, { engine, threads }) => {
  const { bytes, metadata } = readMetadata(config.path);
  const session = await load(config.path, engine.provider, threads);
  const where = `the teacher ${config.path}`;
  const size: ImageSize = [info.height, info.width, info.channels];
  try {
    const signature = signatureOf(
      where,
      session,
      size,
      config.layout ?? layoutSchema.safeParse(metadata.get('layout')).data,
    );
    const names = config.classes ?? namesSchema.safeParse(metadata.get('classes')).data;
    const order = classOrder(config.path, signature.classes, names, info.classes);
    const expected = normalisation(config, metadata, info.channels);
    return {
      name: basename(config.path),
      hash: contentHash('onnx', bytes, signature.layout, expected, order),
      accuracy: null,
      model: null,
      open: async () =>
        openOnnx(await load(config.path, engine.provider, threads), {
          ...signature,
          size,
          order,
          transform: inputTransform(info, size, signature.layout, expected),
        }),
    };
  } finally {
    await session.release();
  }
};

const inputTransform = (
  info: DatasetInfo,
  size: ImageSize,
  layout: Layout,
  expected: ReturnType<typeof normalisation>,
): ((images: Float32Array) => Float32Array) => createInputTransform(size, layout, info, expected);

interface OnnxClassifier extends ReturnType<typeof signatureOf> {
  readonly size: ImageSize;
  readonly order: readonly number[] | null;
  transform(images: Float32Array): Float32Array;
}

function openOnnx(session: InferenceSession, model: OnnxClassifier): OpenTeacher {
  const [height, width, channels] = model.size;
  const pixels = height * width * channels;
  const shape = model.layout === 'NHWC' ? [height, width, channels] : [channels, height, width];

  const classify = async (images: Float32Array, count: number): Promise<Float32Array> => {
    const result = await session.run({ [model.input]: new Tensor('float32', images, [count, ...shape]) });
    const { data } = result[model.output];
    if (!(data instanceof Float32Array)) throw new Error(`${model.output} is not float32`);
    return data;
  };

  /** A model with a fixed batch is run chunk by chunk, the last one filled up with zeros. */
  const inChunks = async (images: Float32Array, count: number, batch: number): Promise<Float32Array> => {
    const rows = new Float32Array(count * model.classes);
    for (let start = 0; start < count; start += batch) {
      const chunk = new Float32Array(batch * pixels);
      chunk.set(images.subarray(start * pixels, (start + batch) * pixels));
      const used = Math.min(batch, count - start);
      rows.set((await classify(chunk, batch)).subarray(0, used * model.classes), start * model.classes);
    }
    return rows;
  };

  return {
    async outputs(images, count) {
      const input = model.transform(images);
      const rows = await (model.batch === null ? classify(input, count) : inChunks(input, count, model.batch));
      return reorder(rows, model.order);
    },
    close: () => session.release(),
  };
}
