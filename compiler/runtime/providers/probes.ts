import { Tensor } from 'onnxruntime-node';
import { invalidInput, messageOf, type NasError } from '../../../base/errors.js';
import { elementTypes, GraphBuilder, int, ints } from '../../graph/index.js';
import { encodeModel } from '../../onnx/model.js';
import type { Target } from '../../target.js';
import { createSession, type SessionOptions } from '../session.js';

/** A model that doubles numbers in float16. */
function doubling(count: number): Uint8Array {
  const builder = new GraphBuilder();
  const cast = (name: string, dtype: 'float16' | 'float32'): string =>
    builder.emit('Cast', [name], { to: int(elementTypes[dtype].code) });
  const half = cast(builder.input('input', [count], 'float32'), 'float16');
  builder.output('output', cast(builder.emit('Add', [half, half]), 'float32'));
  return encodeModel(builder.finish(), { name: 'float16' });
}

/** Computes a few numbers in float16; @throws Error with ONNX Runtime's message, or with wrong results. */
export async function computeHalf(options: SessionOptions): Promise<void> {
  const input = Float32Array.of(1, 2, 3, 4);
  const session = await createSession(doubling(input.length), options);
  try {
    const { output } = await session.run({ input: new Tensor('float32', input, [input.length]) });
    if (String(output.data) !== '2,4,6,8') throw new Error(`twice 1,2,3,4 is ${String(output.data)}`);
  } finally {
    await session.release();
  }
}

export const lacksHalf = (provider: string, reason: string, cause?: unknown): NasError =>
  invalidInput(`mixed precision needs float16, which "${provider}" does not compute here: ${reason}`, {
    hint: 'Train in float32 (leave train.precision out), or on another graphics card.',
    cause,
  });

/**
 * Tests float16 on a target in this process: not every graphics card has it, and ONNX Runtime fails only when a program runs.
 * @throws NasError `invalid-input` when it does not work
 */
export async function requireHalf(target: Target): Promise<void> {
  try {
    await computeHalf(target);
  } catch (error) {
    throw lacksHalf(target.provider, messageOf(error), error);
  }
}

/** A small model for testing a runtime: one 3x3 convolution and a ReLU of [1, 4, 8, 8]. */
export function tinyModel(): Uint8Array {
  const builder = new GraphBuilder();
  const weights = Float32Array.from({ length: 4 * 4 * 3 * 3 }, (_, i) => ((i % 7) - 3) / 10);
  const features = builder.emit(
    'Conv',
    [builder.input('input', [1, 4, 8, 8], 'float32'), builder.addConstant(weights, [4, 4, 3, 3], 'float32')],
    { kernel_shape: ints([3, 3]) },
  );
  builder.output('output', builder.emit('Relu', [features]));
  return encodeModel(builder.finish(), { name: 'tiny' });
}
