import { kernelCallsOf, type Constant, type KernelName, type KernelCall } from './c/kernel-calls.js';
import type { ByteRounding } from './fixed-point.js';
import { planArena } from './plan.js';
import { givesMaps, numbersIn, type EdgeProgram, type TensorId } from './program.js';
import { imageShape } from './reference.js';

/** Memory of a network on a microcontroller, in bytes, as the C of `nas export --to c`. */
export interface EdgeSizes {
  /** The arena: activations and working memory. The stack comes to it, about 300 bytes. */
  readonly sramBytes: number;
  /** Weights, tables, numbers of calls, and the code of the kernels used. */
  readonly flashBytes: number;
}

/**
 * Code of each kernel for Cortex-M4 with the DSP extension: GCC 14.2, `-Os`, in bytes. A test compares the sums with what the
 * compiler makes.
 */
const codeBytes: {
  readonly [R in ByteRounding]: { readonly [K in KernelName | 'detect' | 'centroids' | 'segment' | 'always']: number };
} = {
  exact: {
    conv: 1460,
    depthwise: 1196,
    add: 118,
    mul: 136,
    lookup: 38,
    mean: 126,
    'max-pool': 274,
    'average-pool': 304,
    pad: 170,
    upsample: 114,
    channels: 70,
    shuffle: 86,
    softmax: 132,
    detect: 1044,
    centroids: 652,
    segment: 54,
    always: 156,
  },
  tflm: {
    conv: 1616,
    depthwise: 1540,
    add: 476,
    mul: 238,
    lookup: 38,
    mean: 224,
    'max-pool': 274,
    'average-pool': 304,
    pad: 170,
    upsample: 114,
    channels: 70,
    shuffle: 86,
    softmax: 132,
    detect: 1044,
    centroids: 652,
    segment: 54,
    always: 56,
  },
};

const POINTER = 4;
/** Kernel, numbers, and four places. */
const LAYER = 6 * POINTER;

const inWords = (bytes: number): number => Math.ceil(bytes / 4) * 4;
const constantBytes = ({ type, length }: Constant): number => inWords(type === 'int32_t' ? 4 * length : length);

const callBytes = ({ constants, words, shorts }: KernelCall): number =>
  LAYER +
  constants.reduce((sum, constant) => sum + constantBytes(constant), 0) +
  inWords(constants.length * POINTER + 4 * words.count + 2 * shorts.count);

/** The code and the tables of a network with maps. Of a detector: scores and sides of each byte, of centroids scores alone, and the least byte of each class. */
function mapBytes(program: EdgeProgram, rounding: ByteRounding): number {
  if (!givesMaps(program)) return 0;
  const { tensors, outputs, segmentation } = program;
  if (segmentation !== undefined) return codeBytes[rounding].segment;
  const classes = inWords(2 * imageShape(tensors[outputs[0]])[2]);
  if (outputs.length === 1) return codeBytes[rounding].centroids + 256 + classes;
  return codeBytes[rounding].detect + 3 * 256 + classes;
}

/**
 * The memory of a network on a microcontroller, before it is trained: shapes decide, not values. A float program counts as what
 * it becomes in eight bits. Takes a few milliseconds.
 */
export function edgeSizes(
  program: EdgeProgram,
  { rounding = 'exact' }: { readonly rounding?: ByteRounding } = {},
): EdgeSizes {
  const calls = kernelCallsOf(program, rounding);
  const plan = planArena(program);
  const read = calls.flatMap(({ a, b }) => (b === undefined ? [a] : [a, b]));
  const constants = new Set<TensorId>(read.filter((id) => !plan.offsets.has(id)));
  const kernels = new Set<KernelName | 'always'>(['always', ...calls.map(({ kernel }) => kernel)]);
  return {
    sramBytes: plan.bytes,
    flashBytes:
      calls.reduce((total, call) => total + callBytes(call), 0) +
      [...constants].reduce((sum, id) => sum + inWords(numbersIn(program.tensors[id])), 0) +
      [...kernels].reduce((sum, kernel) => sum + codeBytes[rounding][kernel], 0) +
      mapBytes(program, rounding),
  };
}
