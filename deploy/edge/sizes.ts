import { kernelCallsOf, type Constant, type KernelName, type KernelCall } from './c/kernel-calls.js';
import { sum } from '../../base/statistics.js';
import { isChain, type Network, type Part, partsOf } from '../../spaces/index.js';
import { outlineOf, outlineOfPart } from './outline.js';
import { arenaBounds, planArena } from './plan.js';
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
const codeBytes: { readonly [K in KernelName | 'detect' | 'centroids' | 'segment' | 'always']: number } = {
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
};

const POINTER = 4;
/** Kernel, numbers, and four places. */
const LAYER = 6 * POINTER;

const inWords = (bytes: number): number => Math.ceil(bytes / 4) * 4;
const constantBytes = ({ type, length }: Constant): number => inWords(type === 'int32_t' ? 4 * length : length);

const callBytes = ({ constants, words, shorts }: KernelCall): number =>
  LAYER + sum(constants.map(constantBytes)) + inWords(constants.length * POINTER + 4 * words.count + 2 * shorts.count);

/** The code and the tables of a network with maps. Of a detector: scores and sides of each byte, of centroids scores alone, and the least byte of each class. */
function mapBytes(program: EdgeProgram): number {
  if (!givesMaps(program)) return 0;
  const { tensors, outputs, segmentation } = program;
  if (segmentation !== undefined) return codeBytes.segment;
  const classes = inWords(2 * imageShape(tensors[outputs[0]])[2]);
  if (outputs.length === 1) return codeBytes.centroids + 256 + classes;
  return codeBytes.detect + 3 * 256 + classes;
}

/** Bytes of the numbers that a program reads, and the kernels that it calls. */
function flashOf(program: EdgeProgram, placed: ReadonlyMap<TensorId, number>) {
  const calls = kernelCallsOf(program, 'exact');
  const read = calls.flatMap(({ a, b }) => (b === undefined ? [a] : [a, b]));
  const constants = new Set<TensorId>(read.filter((id) => !placed.has(id)));
  return {
    bytes: sum(calls.map(callBytes)) + sum([...constants].map((id) => inWords(numbersIn(program.tensors[id])))),
    kernels: new Set(calls.map(({ kernel }) => kernel)),
  };
}

const codeOf = (kernels: ReadonlySet<KernelName>): number =>
  sum([...kernels].map((kernel) => codeBytes[kernel])) + codeBytes.always;

/**
 * The memory of a network on a microcontroller, before it is trained: shapes decide, not values. A float program counts as what
 * it becomes in eight bits. Takes a few milliseconds.
 */
export function edgeSizes(program: EdgeProgram): EdgeSizes {
  const plan = planArena(program);
  const { bytes, kernels } = flashOf(program, plan.offsets);
  return { sramBytes: plan.bytes, flashBytes: bytes + codeOf(kernels) + mapBytes(program) };
}

function partSizes(part: Part) {
  const program = outlineOfPart(part);
  const { bound, placed } = arenaBounds(program);
  return { bound, ...flashOf(program, placed) };
}

/** Whether its parts need what they need alone: a cell may pass its input on, or nothing. */
const isSeparable = (network: Network): boolean =>
  isChain(network) && network.blocks.every(({ kind }) => kind !== 'cell' && kind !== 'reduction');

/** Estimates the memory of a network from the memory of its parts. The error is at most 1 %. */
function roughSizes(network: Network): EdgeSizes {
  const parts = partsOf(network).map((part) => part.of(partSizes));
  const kernels = new Set<KernelName>();
  for (const part of parts) for (const kernel of part.kernels) kernels.add(kernel);
  return {
    sramBytes: Math.max(...parts.map(({ bound }) => bound)),
    flashBytes: sum(parts.map(({ bytes }) => bytes)) + codeOf(kernels),
  };
}

/** Sizes are exact where the rough ones are off a limit by at most this share of it. */
const nearShare = 0.03;

/** The memory of a network: exact near a limit, and rough where it is surely kept or broken, which takes a hundredth of the time. */
export function sizesWithin(network: Network, limits: EdgeSizes): EdgeSizes {
  const rough = isSeparable(network) ? roughSizes(network) : undefined;
  const isNear = (name: keyof EdgeSizes): boolean =>
    rough === undefined || Math.abs(rough[name] / limits[name] - 1) <= nearShare;
  return rough === undefined || isNear('sramBytes') || isNear('flashBytes') ? edgeSizes(outlineOf(network)) : rough;
}
