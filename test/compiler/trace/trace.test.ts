import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, describe, expect, it } from 'vitest';
import { NasError } from '../../../base/errors.js';
import { compile, exportModel, StateStore, uniform, type HostTensor, type InputSpec } from '../../../compiler/index.js';
import { apply } from '../support/models.js';
import { expectSameAsReference, type Inputs, type TensorFunction } from '../support/reference.js';
import { Sampler } from '../support/samples.js';

afterEach(() => tf.disposeVariables());

/** A step that adds its input to a variable. */
function addingTo(name: string) {
  const w = tf.variable(tf.zeros([3]), false, name);
  return ({ x }: Inputs): tf.Tensor => {
    w.assign(tf.add(w, x));
    return tf.neg(x);
  };
}

const vector = { x: { shape: [3] } };
const ones = Float32Array.of(1, 1, 1);
const sample = new Sampler('trace').normal([3]);

/** Expects that compiling is refused with a NasError that says all of this, and that TF.js works on as before. */
async function expectRefusal(f: TensorFunction, inputs: Record<string, InputSpec>, ...says: RegExp[]): Promise<void> {
  const failure: unknown = await compile(f, inputs).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(NasError);
  for (const text of says) expect((failure as NasError).message).toMatch(text);
  expect(tf.getBackend()).toBe('cpu');
  expect(tf.tidy(() => [...tf.add(tf.tensor1d([1, 2]), 1).dataSync()])).toEqual([2, 3]);
}

describe('a traced function may not', () => {
  it.each<[string, (x: tf.Tensor) => unknown]>([
    ['dataSync', (t) => t.dataSync()],
    ['arraySync', (t) => t.arraySync()],
    ['a branch', (t) => tf.max(t).dataSync()[0] > 0],
    ['print', (t) => t.print()],
  ])('read a value that depends on its inputs: %s', async (_, read) => {
    const reading = ({ x }: Inputs) => {
      read(tf.neg(x));
      return x;
    };
    await expectRefusal(reading, vector, /depends on the inputs .* was read/);
  });

  it('depend on JavaScript state that changes from call to call', async () => {
    let counter = 0;
    const drifting = ({ x }: Inputs) => tf.tanh(tf.add(x, counter++));
    await expectRefusal(drifting, vector, /twice gave different graphs/);
    await (await compile(drifting, vector, { checkDeterminism: false })).dispose();
  });

  it('draw random numbers in JavaScript', () =>
    expectRefusal(({ x }) => tf.add(x, tf.randomUniform([3])), vector, /twice gave different graphs/));

  it('use an operation without a rule: the error names it, the reason and the layer', async () => {
    const layer = tfl.layers.conv3d({ filters: 1, kernelSize: 1, name: 'volume' });
    const model = tfl.sequential({ layers: [tfl.layers.inputLayer({ inputShape: [2, 2, 2, 1] }), layer] });
    const shape = [1, 2, 2, 2, 1];
    await expectRefusal(({ x }) => apply(model, x), { x: { shape } }, /Conv3D/, /layer 'volume'/, /two-dimensional/);
  });

  it('give a new variable a value that depends on its inputs', () =>
    expectRefusal(({ x }) => tf.variable(tf.neg(x), false, 'dependent'), vector, /'dependent'/, /not constant/));

  it('assign to a frozen variable', async () => {
    await expect(compile(addingTo('cold'), vector, { freeze: () => true })).rejects.toThrow(/'cold' is frozen/);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['nothing', () => undefined, /the function returned undefined, not tensors/],
    ['a promise', async () => ({ y: await Promise.resolve(tf.scalar(1)) }), /the function returned a promise/],
    ['a number', () => ({ loss: 3 }), /returned 'loss', which is no tensor/],
  ])('return %s', (_, f, message) => expectRefusal(f as TensorFunction, vector, message));

  it('have inputs without a size or with values that no program knows', async () => {
    await expectRefusal(({ x }) => x, { x: { shape: [2, -8] } }, /input 'x' has shape \[2,-8\]/);
    const text = { shape: [2], dtype: 'string' } as unknown as InputSpec;
    await expectRefusal(({ x }) => x, { x: text }, /a tensor of type string cannot be traced/);
  });

  it('have a dynamic size besides the batch', () =>
    expectRefusal(({ x }) => tf.neg(x), { x: { shape: [2, null] } }, /input 'x' has shape/));
});

describe('a traced function may', () => {
  it('read constants', () => expectSameAsReference(({ x }) => tf.mul(x, tf.scalar(3).dataSync()[0]), { x: sample }));

  it('return an input, a constant, a variable, and one value twice', async () => {
    const w = tf.variable(tf.tensor1d([5, 6]), false, 'returned');
    await expectSameAsReference(
      ({ x }) => {
        const y = tf.neg(x);
        return { same: x, seven: tf.scalar(7), w, y, again: y, flag: tf.greater(x, 0) };
      },
      { x: sample },
    );
  });

  it('leave an input unused', () => expectSameAsReference(({ x }) => tf.neg(x), { x: sample, unused: sample }));

  it('assign a variable many times, read it between, and assign an input or a constant', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => tf.variable(tf.tensor1d([1, 2, 3]), false, `assigned/${name}`));
    await expectSameAsReference(
      ({ x }) => {
        a.assign(tf.add<tf.Tensor1D>(a, x));
        const between = tf.mul(a, 2);
        a.assign(tf.mul<tf.Tensor1D>(a, a));
        b.assign(x as tf.Tensor1D);
        c.assign(tf.zerosLike(c));
        return { between, after: tf.add(a, b) };
      },
      { x: sample },
    );
  });

  it('swap two variables', async () => {
    const [a, b] = [1, 2].map((value) => tf.variable(tf.fill([16, 2], value), false, `swapped/${value}`));
    const program = await compile(({ x }) => {
      const old = tf.clone(a);
      a.assign(b);
      b.assign(old);
      return tf.neg(x);
    }, vector);
    for (const expected of [2, 1, 2]) {
      await program.run({ x: ones });
      expect((await program.states.snapshot()).get('swapped/1')?.data[0]).toBe(expected);
    }
    await program.dispose();
  });

  it('use uniform()', async () => {
    const program = await compile(({ x }) => tf.add(tf.mul(x, 0), uniform([3])), vector);
    const [first, second] = [await program.run({ x: ones }), await program.run({ x: ones })];
    expect(first['output'].data).not.toEqual(second['output'].data);
    expect((await program.run({ x: ones }, 0))['output'].data).toEqual(first['output'].data);
    await program.dispose();
  });
});

describe('feeds', () => {
  it('are numbers, arrays or tensors, converted to the type of the input', async () => {
    const program = await compile(({ rate, x, n }) => ({ y: tf.mul(x, rate), m: tf.add(n, tf.scalar(1, 'int32')) }), {
      rate: { shape: [] },
      x: { shape: [2, 2] },
      n: { shape: [2], dtype: 'int32' },
    });
    const tensor: HostTensor = { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) };
    const { y, m } = await program.run({ rate: 0.5, x: tensor, n: Int32Array.of(4, 5) });
    expect(y).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(0.5, 1, 1.5, 2) });
    expect(m).toEqual({ dtype: 'int32', shape: [2], data: Int32Array.of(5, 6) });
    const other = await program.run({ rate: 2, x: tensor.data as Float32Array, n: Float32Array.of(7, 8) });
    expect([...other['y'].data, ...other['m'].data]).toEqual([2, 4, 6, 8, 8, 9]);
    await program.dispose();
  });

  it('are refused by name when missing or of the wrong size, and change no state', async () => {
    const program = await compile(addingTo('fed'), vector);
    await expect(program.run({})).rejects.toThrow(/'x' is missing/);
    await expect(program.run({ x: new Float32Array(4) })).rejects.toThrow(/'x' takes shape \[3\], not 4 numbers/);
    const column: HostTensor = { dtype: 'float32', shape: [3, 1], data: ones };
    await expect(program.run({ x: column })).rejects.toThrow(/'x' takes shape \[3\], not shape \[3,1\]/);
    expect((await program.states.snapshot()).get('fed')?.data).toEqual(new Float32Array(3));
    await program.dispose();
  });
});

describe('states', () => {
  it('are refused on restore when unknown or of another shape', async () => {
    const w = tf.variable(tf.zeros([3]), false, 'restored');
    const program = await compile(({ x }) => tf.add(w, x), vector);
    const value = (shape: number[]): HostTensor => ({ dtype: 'float32', shape, data: new Float32Array(shape[0]) });
    await expect(program.states.restore(new Map([['other', value([3])]]))).rejects.toThrow(/no state 'other'/);
    await expect(program.states.restore(new Map([['restored', value([4])]]))).rejects.toThrow(
      /'restored' is float32\[3\]/,
    );
    await program.dispose();
  });

  it('miss no update when runs of two programs are not awaited and one of them fails', async () => {
    const [states, adding] = [new StateStore(), addingTo('counted')];
    const programs = await Promise.all([1, 2].map(() => compile(adding, vector, { states })));
    const runs = [0, 1, 0, 1].map((i) => programs[i].run({ x: ones }));
    await expect(programs[0].run({})).rejects.toThrow();
    runs.push(programs[1].run({ x: ones }));
    await Promise.all(runs);
    expect((await states.snapshot()).get('counted')?.data).toEqual(Float32Array.of(5, 5, 5));
    for (const program of programs) await program.dispose();
  });

  it('of a snapshot are copies', async () => {
    const program = await compile(addingTo('copied'), vector);
    const before = await program.states.snapshot();
    await program.run({ x: ones });
    expect(before.get('copied')?.data).toEqual(new Float32Array(3));
    before.get('copied')?.data.fill(9);
    expect((await program.states.snapshot()).get('copied')?.data).toEqual(ones);
    await program.dispose();
  });
});

it('exportModel refuses models of several inputs', () => {
  const inputs = [tfl.input({ shape: [2] }), tfl.input({ shape: [2] })];
  const model = tfl.model({ inputs, outputs: tfl.layers.add().apply(inputs) as tfl.SymbolicTensor });
  expect(() => exportModel(model)).toThrow(/2 inputs and 1 outputs/);
});
