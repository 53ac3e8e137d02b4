import { openOnnx } from '../../../../compiler/index.js';
import { Random } from '../../../../base/random.js';
import { lowerOnnx } from '../../../../deploy/edge/lower.js';
import type { EdgeProgram, EdgeTensor, TensorId } from '../../../../deploy/edge/program.js';
import { computeOperator, type Numbers } from '../../../../deploy/edge/reference.js';
import { encodeTflite } from '../../../../deploy/edge/tflite/encode.js';
import { tfliteModel, writeTflite } from '../../../../deploy/edge/tflite/index.js';
import { calibrateRanges, prepareModel, quantizeModel } from '../../../../deploy/quantize/index.js';
import { inMemory } from '../../quantize/support/batches.js';
import { openLiteRt } from '../../../support/litert.js';
import { product } from '../../../../base/statistics.js';

/** Some images in one array. */
export interface Images {
  readonly values: Float32Array;
  /** [images, ...] in the layout of the ONNX file. */
  readonly shape: readonly [number, number, number, number];
}

/** Random images, of numbers as normalised images have. */
export function noiseImages(shape: Images['shape'], seed = 1): Images {
  const random = new Random(seed, 'edge');
  return { shape, values: Float32Array.from({ length: product(shape) }, () => random.normal()) };
}

/** The int8 file of a float one, calibrated on images. */
export async function int8Of(model: Uint8Array, { values, shape }: Images): Promise<Uint8Array> {
  const prepared = prepareModel(model, 'the network');
  const { minmax } = await calibrateRanges(prepared, inMemory({ images: values, shape }), { methods: ['minmax'] });
  return quantizeModel(prepared, minmax, { weightBits: 8 }).model;
}

/** Images one by one, as rows, columns and channels. */
function* oneByOne({ values, shape: [count, ...sizes] }: Images, program: EdgeProgram): Generator<Float32Array> {
  const size = values.length / count;
  const [, height, width, channels] = program.tensors[program.input].shape;
  for (let i = 0; i < count; i++) {
    const image = values.slice(i * size, (i + 1) * size);
    if (sizes[2] === channels) yield image;
    else
      yield Float32Array.from(image, (_, at) => {
        const [pixel, channel] = [Math.floor(at / channels), at % channels];
        return image[channel * height * width + pixel];
      });
  }
}

export interface Agreement {
  /** Largest difference of an output, as a share of the largest output. */
  readonly difference: number;
  /** Images with the same largest output. */
  readonly same: number;
  readonly images: number;
}

const best = (values: Float32Array): number => values.indexOf(values.reduce((a, b) => Math.max(a, b), -Infinity));

/** Compares the `.tflite` file of an ONNX file in LiteRT with the ONNX file in ONNX Runtime. */
export async function agreementOf(model: Uint8Array, images: Images): Promise<Agreement> {
  const program = lowerOnnx(model, 'the network');
  const { run, close } = await openOnnx(model, 'the network', { exactIntegers: true });
  const expected = await run(images.values, images.shape);
  await close();
  const lite = await openLiteRt(writeTflite(program));
  const [count] = images.shape;
  const classes = expected.length / count;
  // Networks of nothing but zeros have a largest output, too.
  let [difference, largest, same, at] = [0, 1e-30, 0, 0];
  for (const image of oneByOne(images, program)) {
    const [outputs] = [...(await lite.run(image)).values()];
    const row = expected.subarray(at * classes, (at + 1) * classes);
    row.forEach((value, i) => {
      difference = Math.max(difference, Math.abs(value - outputs[i]));
      largest = Math.max(largest, Math.abs(value));
    });
    if (best(outputs) === best(row)) same++;
    at++;
  }
  lite.close();
  return { difference: difference / largest, same, images: count };
}

/** How results of an operator differ, over all operators of a kind. */
export interface Differences {
  /** Results that differ. */
  readonly differ: number;
  readonly of: number;
  /** Largest difference in steps. */
  readonly most: number;
  /** Results that differ also where sums are scaled by float32 factors, as LiteRT does. */
  readonly unexplained: number;
}

const nothing: Differences = { differ: 0, of: 0, most: 0, unexplained: 0 };

/** The name of an operator in tables: of an elementwise one, its function. */
const kindOf = (operator: EdgeProgram['operators'][number]): string =>
  operator.op === 'elementwise' ? operator.function.name : operator.op;

/** Signed bytes that a dequantized tensor was made of. */
const bytesOf = (values: Float32Array, { quantization }: EdgeTensor): Int8Array => {
  const { scales, zero } = quantization ?? { scales: [NaN], zero: NaN };
  return Int8Array.from(values, (value) => Math.round(value / scales[0]) + zero);
};

/**
 * Compares each int8 operator of a program in LiteRT with the integer reference, which reads what LiteRT computed before it.
 */
export async function operatorDifferences(
  program: EdgeProgram,
  images: Images,
  into = new Map<string, Differences>(),
): Promise<ReadonlyMap<string, Differences>> {
  const model = tfliteModel(program);
  const tensors = [...model.tensors];
  const operators = [...model.operators];
  const taps = new Map<string, TensorId>();
  const outputs: TensorId[] = [];
  for (const { output } of program.operators) {
    const { element, shape } = program.tensors[output];
    if (element !== 'int8') continue;
    const tap = tensors.push({ name: `tap ${output}`, shape, element: 'float32' }) - 1;
    operators.push({ name: 'DEQUANTIZE', version: 2, options: {}, inputs: [output], outputs: [tap] });
    taps.set(`tap ${output}`, output);
    outputs.push(tap);
  }
  const lite = await openLiteRt(encodeTflite({ ...model, tensors, operators, outputs }));
  for (const image of oneByOne(images, program)) {
    const values = new Map<TensorId, Numbers>([[program.input, image]]);
    program.tensors.forEach(({ data }, id) => data && values.set(id, data));
    for (const [name, floats] of await lite.run(image)) {
      const id = taps.get(name) ?? -1;
      values.set(id, bytesOf(floats, program.tensors[id]));
    }
    for (const operator of program.operators) {
      const actual = values.get(operator.output);
      const inputs = operator.inputs.map((id) => values.get(id));
      if (!(actual instanceof Int8Array) || !inputs.every((one) => one !== undefined)) continue;
      const expected = computeOperator(program, operator, inputs, 'exact');
      const kind = kindOf(operator);
      const { differ, of, most, unexplained } = into.get(kind) ?? nothing;
      const steps = actual.map((value, i) => Math.abs(value - expected[i]));
      const inFloats = computeOperator(program, operator, inputs, 'float');
      into.set(kind, {
        differ: differ + steps.reduce((sum, step) => sum + (step === 0 ? 0 : 1), 0),
        of: of + actual.length,
        most: steps.reduce((a, b) => Math.max(a, b), most),
        unexplained: unexplained + actual.reduce((sum, value, i) => sum + (value === inFloats[i] ? 0 : 1), 0),
      });
    }
  }
  lite.close();
  return into;
}
