import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import type { Target } from '../../../compiler/index.js';
import { runProgram, type Filters, type Sizes } from './random-program.js';
import { differences, runCompiled, runEagerly, type TensorFunction } from './reference.js';
import { Sampler, toTensor, type Samples } from './samples.js';

/** Operations of a whole program. */
const steps = 14;
const seed = 11;

interface RandomProgram {
  readonly samples: Samples;
  readonly blocked: boolean;
  /** The program cut after `length` operations: its values, and gradients by its filters of a program like it. */
  readonly cut: (length: number, trail?: string[]) => TensorFunction;
}

/** Program number `index`: the same in every run. */
function programOf(index: number): RandomProgram {
  const random = new Random(seed, 'program', index);
  const [b, h, w] = [2 + random.int(2), 3 + random.int(3), 2 + random.int(3)];
  const c = random.pick([3, 4, 5, 12, 16, 16]);
  const sizes: Sizes = { b, h, w, c };
  const sample = new Sampler('fuzz', index);
  const filter = (name: string, scale: number, last: number) =>
    tf.tidy(() =>
      tf.variable(toTensor(sample.normal([3, 3, c, last], scale)), true, `fuzz/${index}/${name}`),
    ) as tf.Variable<tf.Rank.R4>;
  const filters = {
    conv: filter('conv', 0.8 / Math.sqrt(c), c),
    depthwise: filter('depthwise', 0.4, 1),
    multiplied: filter('multiplied', 0.4, 2),
  };
  const samples = {
    x: sample.normal([b, h, w, c]),
    vector: sample.normal([c]),
    gate: sample.normal([b, 1, 1, c]),
    column: sample.normal([w, 1]),
    rows: sample.normal([b, c]),
  };
  const blocked = random.uniform() < 0.5;
  const cut =
    (length: number, trail?: string[]): TensorFunction =>
    (inputs) => {
      const x = inputs['x'] as tf.Tensor4D;
      const start = (stream: string, given: Filters) => ({
        random: new Random(seed, stream, index),
        sizes,
        filters: given,
        values: [tf.conv2d(x, given.conv, 1, 'same'), ...Object.values(inputs)],
      });
      const outputs = runProgram(start('steps', filters), length, trail);
      const loss = () => {
        // Every filter is used at least once; the rest of the loss is the program again, on the tape.
        const twice = tf.concat([filters.conv, filters.conv], 2);
        const base = [
          tf.conv2d(tf.depthwiseConv2d(x, filters.multiplied, 1, 'same'), twice, 1, 'same'),
          tf.depthwiseConv2d(x, filters.depthwise, 1, 'same'),
        ];
        const values = [...runProgram(start('steps', filters), length), ...base];
        return tf.addN<tf.Scalar>(values.map((y) => tf.mean(tf.square(y))));
      };
      const { value, grads } = tf.variableGrads(loss, Object.values(filters));
      return { ...Object.fromEntries(outputs.map((y, i) => [`y${i}`, y])), loss: value, ...grads };
    };
  return { samples, blocked, cut };
}

/** The target for which a program is compiled. */
type TargetOf = (program: RandomProgram) => Target | Promise<Target>;

/** The differences between the compiled and the eager program, or the error; empty when they agree. */
async function mismatches(
  program: RandomProgram,
  targetOf: TargetOf,
  length: number,
  trail: string[],
): Promise<string[]> {
  const { samples, cut } = program;
  const { outputs } = runEagerly(cut(length, trail), samples);
  try {
    const options = { target: await targetOf(program), checkDeterminism: false };
    const compiled = await runCompiled(cut(length), samples, options);
    return differences(compiled.outputs, outputs, 1e-4);
  } catch (error) {
    return [String(error)];
  }
}

/** The shortest prefix of a program that fails already, with the operations in it. */
async function shrunk(program: RandomProgram, targetOf: TargetOf): Promise<string> {
  for (let length = 0; length <= steps; length++) {
    const trail: string[] = [];
    const found = await mismatches(program, targetOf, length, trail);
    if (found.length === 0) continue;
    return `after ${trail.join(' ')} (blocked: ${program.blocked}): ${found.join('; ')}`;
  }
  return 'fails only at full length';
}

/** The programs `first` to `last` that differ from the eager ones, shrunk; adds the operations that they use to `used`. */
async function failuresOf(first: number, last: number, targetOf: TargetOf, used?: Set<string>): Promise<string[]> {
  const failures: string[] = [];
  for (let index = first; index <= last; index++) {
    const program = programOf(index);
    const trail: string[] = [];
    const found = await mismatches(program, targetOf, steps, trail);
    if (found.length > 0) failures.push(`program ${index}: ${await shrunk(program, targetOf)}`);
    for (const step of trail) used?.add(step.slice(0, step.indexOf('[')));
    tf.disposeVariables();
  }
  return failures;
}

/** Tests `programs` random programs, ten at a time. */
export function testPrograms(programs: number, targetOf: TargetOf, used?: Set<string>): void {
  for (let first = 0; first < programs; first += 10) {
    const last = Math.min(first + 10, programs) - 1;
    it(`${first} to ${last} agree with the cpu backend in values and gradients`, { timeout: 600_000 }, async () => {
      expect(await failuresOf(first, last, targetOf, used)).toEqual([]);
    });
  }
}
