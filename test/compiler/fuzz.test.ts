import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { resolveTarget } from '../../compiler/index.js';
import { Random } from '../../base/random.js';
import { differences, runCompiled, runEagerly, type TensorFunction } from './support/reference.js';
import { operations, runProgram, type Filters, type Sizes } from './support/random-program.js';
import { Sampler, toTensor, type Samples } from './support/samples.js';

/** More programs than in the normal suite: NAS_FUZZ=500. */
const programs = Number(process.env['NAS_FUZZ'] ?? 60);
const steps = 14;
const seed = 11;

afterEach(() => tf.disposeVariables());

interface RandomProgram {
  readonly samples: Samples;
  readonly blocked: boolean;
  /** The program cut after `length` operations: its values, and gradients by its filters of a program like it. */
  readonly cut: (length: number, trail?: string[]) => TensorFunction;
}

/** Program number `index`: the same in every run. */
function programOf(index: number): RandomProgram {
  const random = new Random(seed, 'program', index);
  const sizes: Sizes = {
    b: 2 + random.int(2),
    h: 3 + random.int(3),
    w: 2 + random.int(3),
    c: random.pick([3, 4, 5, 12, 16, 16]),
  };
  const { b, h, w, c } = sizes;
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
  const blocked = half(random);
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
        const base = [
          tf.conv2d(
            tf.depthwiseConv2d(x, filters.multiplied, 1, 'same'),
            tf.concat([filters.conv, filters.conv], 2),
            1,
            'same',
          ),
          tf.depthwiseConv2d(x, filters.depthwise, 1, 'same'),
        ];
        return tf.addN(
          [...runProgram(start('steps', filters), length), ...base].map((y) => tf.mean(tf.square(y))),
        ) as tf.Scalar;
      };
      const { value, grads } = tf.variableGrads(loss, Object.values(filters));
      return { ...Object.fromEntries(outputs.map((y, i) => [`y${i}`, y])), loss: value, ...grads };
    };
  return { samples, blocked, cut };
}
const half = (random: Random): boolean => random.uniform() < 0.5;

/** How the compiled program differs from the eager one, or what it threw; empty when they agree. */
async function mismatches(
  { samples, blocked, cut }: RandomProgram,
  length: number,
  trail: string[],
): Promise<string[]> {
  const { outputs } = runEagerly(cut(length, trail), samples);
  try {
    const compiled = await runCompiled(cut(length), samples, {
      target: await resolveTarget({ blocked }),
      checkDeterminism: false,
    });
    return differences(compiled.outputs, outputs, 1e-4);
  } catch (error) {
    return [String(error)];
  }
}

/** The shortest prefix of a program that fails already, with the operations in it. */
async function shrunk(program: RandomProgram): Promise<string> {
  for (let length = 0; length <= steps; length++) {
    const trail: string[] = [];
    const found = await mismatches(program, length, trail);
    if (found.length === 0) continue;
    return `after ${trail.join(' ')} (blocked: ${program.blocked}): ${found.join('; ')}`;
  }
  return 'fails only at full length';
}

describe('random programs', () => {
  const used = new Set<string>();

  for (let first = 0; first < programs; first += 10) {
    const last = Math.min(first + 10, programs) - 1;
    it(`${first} to ${last} agree with the cpu backend in values and gradients`, { timeout: 120_000 }, async () => {
      const failures: string[] = [];
      for (let index = first; index <= last; index++) {
        const program = programOf(index);
        const trail: string[] = [];
        const found = await mismatches(program, steps, trail);
        if (found.length > 0) failures.push(`program ${index}: ${await shrunk(program)}`);
        for (const step of trail) used.add(step.slice(0, step.indexOf('[')));
        tf.disposeVariables();
      }
      expect(failures).toEqual([]);
    });
  }

  it('use every operation that there is', () => {
    expect(Object.keys(operations).filter((name) => !used.has(name))).toEqual([]);
  });
});
