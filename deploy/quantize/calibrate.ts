import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataType, ValueInfoProtoSchema } from 'onnx-buf';
import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { createSession, inputsOf, type OnnxFile } from '../../compiler/index.js';
import { Histogram } from './histogram.js';
import type { Range } from './numbers.js';
import { nodeLabel } from './onnx-nodes.js';
import { observedBy } from './plan.js';
import type { PreparedModel } from './prepared-model.js';

/** How ranges follow from the values seen: all of them, or all but the outermost. */
export const calibrationMethods = ['minmax', 'percentile'] as const;
export type CalibrationMethod = (typeof calibrationMethods)[number];

/** Ranges of the tensors of a model. */
export interface Ranges {
  range(tensor: string): Range;
}

/** Images as the model takes them: its layout, its normalisation. */
export interface CalibrationBatch {
  readonly images: Float32Array;
  readonly shape: readonly number[];
  /** How many of the images count, from the first on: what follows fills up the batch that a model asks for. Default: all. */
  readonly count?: number;
}

export interface CalibrateOptions<M extends CalibrationMethod = CalibrationMethod> {
  readonly methods: readonly M[];
  /** Share of the values, in %, that `percentile` keeps inside; default 99.99. The images' own range is never cut. */
  readonly percentile?: number;
  /** Threads of ONNX Runtime; default 1. */
  readonly threads?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told after each batch how many images are done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/**
 * Ranges of a model's tensors by running it, in floats, on images; every method from the same runs. Of the values only
 * histograms are kept, and ranges depend neither on the order of the images nor on the sizes of the batches, but for what the
 * float model's own rounding makes of those.
 *
 * @throws NasError `invalid-input` when there are no images, when images are not finite or do not fit the model, or when a
 *   layer's values are not finite; `interrupted` when the signal is aborted
 */
export async function calibrate<M extends CalibrationMethod>(
  prepared: PreparedModel,
  batches: () => AsyncIterable<CalibrationBatch>,
  { methods, percentile = 99.99, threads = 1, signal, onProgress }: CalibrateOptions<M>,
): Promise<Readonly<Record<M, Ranges>>> {
  if (!(percentile > 50 && percentile <= 100))
    throw invalidInput(`the percentile is ${percentile}`, { hint: 'Give more than 50 and at most 100.' });
  const { file, plan, where } = prepared;
  const tensors = observedBy(plan);
  const [input] = inputsOf(file);
  const histograms = new Map(tensors.map((name) => [name, new Histogram()]));
  const session = await createSession(toBinary(ModelProtoSchema, exposing(file, tensors)), { threads });
  let done = 0;
  try {
    for await (const { images, shape, count = shape[0] } of batches()) {
      if (signal?.aborted === true) throw new NasError('interrupted', 'the calibration was interrupted');
      const results = await run(session, input.name, images, shape, where);
      for (const [name, histogram] of histograms) {
        const { data, dims } = name === input.name ? { data: images, dims: shape } : results[name];
        // What does not lie image by image counts as a whole.
        const end = dims[0] === shape[0] ? (data.length / shape[0]) * count : data.length;
        if (data instanceof Float32Array && histogram.add(data.subarray(0, end))) continue;
        throw notFinite(file, name, input.name, where);
      }
      done += count;
      onProgress?.(done);
    }
  } finally {
    await session.release();
  }
  if (done === 0)
    throw invalidInput(`there are no images to calibrate ${where} on`, {
      hint: 'Give some images of the training data.',
    });
  const rangeBy: { readonly [K in CalibrationMethod]: (histogram: Histogram) => Range } = {
    minmax: (histogram) => histogram.range(),
    percentile: (histogram) => histogram.percentile(percentile),
  };
  const rangesBy = (method: CalibrationMethod): Ranges =>
    rangesOf(
      new Map(
        [...histograms].map(([name, histogram]) => [
          name,
          name === input.name ? histogram.range() : rangeBy[method](histogram),
        ]),
      ),
    );
  return Object.fromEntries(methods.map((method) => [method, rangesBy(method)])) as Record<M, Ranges>;
}

/** Ranges that are known. */
export const rangesOf = (ranges: ReadonlyMap<string, Range>): Ranges => ({
  range(tensor) {
    const range = ranges.get(tensor);
    if (range === undefined) throw new Error(`internal: '${tensor}' was not calibrated`);
    return range;
  },
});

/** The model with these tensors among its outputs. */
function exposing(file: OnnxFile, tensors: readonly string[]): OnnxFile {
  const { graph } = file;
  const own = new Set([...graph.output, ...graph.input].map(({ name }) => name));
  const added = tensors
    .filter((name) => !own.has(name))
    .map((name) =>
      create(ValueInfoProtoSchema, {
        name,
        type: { value: { case: 'tensorType', value: { elemType: TensorProto_DataType.FLOAT } } },
      }),
    );
  return { ...file, graph: { ...graph, output: [...graph.output, ...added] } };
}

async function run(
  session: InferenceSession,
  input: string,
  images: Float32Array,
  shape: readonly number[],
  where: string,
): Promise<InferenceSession.ReturnType> {
  try {
    return await session.run({ [input]: new Tensor('float32', images, shape) });
  } catch (cause) {
    throw invalidInput(`${where} failed on images [${shape.join(', ')}]: ${messageOf(cause)}`, {
      cause,
      hint: 'Calibrate on images of the size and layout that the model takes.',
    });
  }
}

function notFinite({ graph }: OnnxFile, tensor: string, input: string, where: string): NasError {
  if (tensor === input)
    return invalidInput('calibration images hold numbers that are not finite', { hint: 'Check the data.' });
  const node = graph.node.find(({ output }) => output.includes(tensor));
  const layer = node === undefined ? `'${tensor}'` : `${node.opType} '${nodeLabel(node)}'`;
  return invalidInput(`${where} cannot be calibrated: ${layer} gives numbers that are not finite`, {
    hint: 'Check that the images are normalised as the model takes them, and that its training did not diverge.',
  });
}
