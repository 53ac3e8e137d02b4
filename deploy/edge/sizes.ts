import { innerOperators, planArena } from './plan.js';
import type { EdgeProgram, EdgeTensor } from './program.js';

/** Memory of an int8 program on a microcontroller. */
export interface EdgeSizes {
  /** The arena of its activations. */
  readonly sramBytes: number;
  /** Weights and tables. */
  readonly flashBytes: number;
}

const sizeOf = ({ shape }: EdgeTensor): number => shape.reduce((a, b) => a * b, 1);

/** Bias, multiplier and shift of an output channel. */
const channelBytes = 4 + 4 + 1;
const tableBytes = 256;

/** The memory of a program, whose weights need not be known (see `outlineOf`). */
export function edgeSizes(program: EdgeProgram): EdgeSizes {
  const { tensors } = program;
  let flashBytes = 0;
  for (const operator of innerOperators(program)) {
    const { op, inputs, output } = operator;
    if (op === 'conv' || op === 'depthwise')
      flashBytes += sizeOf(tensors[inputs[1]]) + channelBytes * (tensors[output].shape.at(-1) ?? 0);
    if (op === 'elementwise') flashBytes += tableBytes;
  }
  return { sramBytes: planArena(program).bytes, flashBytes };
}
