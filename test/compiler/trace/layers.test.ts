import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, describe, expect, it } from 'vitest';
import { compile, uniform, withNoise, type HostTensor } from '../../../compiler/index.js';
import { layerCases } from '../cases/layers.js';
import { weightedSum, withInputGradients } from '../support/gradients.js';
import { apply, modelOf, variablesOf } from '../support/models.js';
import { differences, expectSameAsReference, runEagerly } from '../support/reference.js';
import type { Inputs, TensorFunction } from '../support/reference.js';
import { Sampler } from '../support/samples.js';

afterEach(() => tf.disposeVariables());

/** The layer's output and all its gradients, by inputs and by weights. */
function withAllGradients(model: tfl.LayersModel, training: boolean, inputs: number): TensorFunction {
  const weights = variablesOf(model);
  return (named) => {
    const values = Array.from({ length: inputs }, (_, i) => named[`x${i}`]);
    const loss = (...xs: tf.Tensor[]) => weightedSum(apply(model, xs.length === 1 ? xs[0] : xs, training));
    const byInputs = tf.grads(loss)(values);
    const byWeights = weights.length > 0 ? tf.variableGrads(() => loss(...values), weights).grads : {};
    return {
      output: apply(model, values.length === 1 ? values[0] : values, training),
      ...Object.fromEntries(byInputs.map((gradient, i) => [`d/x${i}`, gradient])),
      ...Object.fromEntries(Object.entries(byWeights).map(([name, gradient]) => [`d/${name}`, gradient])),
    };
  };
}

// kernels.test.ts compares their kernels in the plain layout, too.
describe('compiled layers agree with the cpu backend', () => {
  for (const layer of layerCases) {
    const samples = () => {
      const sample = new Sampler('layer', layer.name);
      return Object.fromEntries(layer.inputs.map((shape, i) => [`x${i}`, sample.normal([3, ...shape])]));
    };
    if (layer.inferenceOnly)
      it(`${layer.name}, inference`, () => {
        const model = modelOf(layer);
        return expectSameAsReference(({ x0 }) => apply(model, x0), samples(), { blocked: [true] });
      });
    else
      for (const training of layer.name.startsWith('batchNormalization') ? [true, false] : [true])
        it(`${layer.name}${training ? '' : ', inference'}`, () =>
          expectSameAsReference(withAllGradients(modelOf(layer), training, layer.inputs.length), samples(), {
            blocked: [true],
          }));
  }
});

/** Dropout of a share of its input, as a function of the program's own noise. */
const dropout =
  (rate: number) =>
  ({ x }: Inputs): tf.Tensor =>
    tf.mul(x, tf.div(tf.floor(tf.add(uniform(x.shape), 1 - rate)), 1 - rate));

const fractionOfZeros = ({ data }: HostTensor): number => data.filter((value) => value === 0).length / data.length;
const ones = { x: { dtype: 'float32', shape: [50, 80], data: new Float32Array(4000).fill(1) } } as const;
const spec = { x: { shape: [50, 80] } };

describe('functions that draw random numbers', () => {
  const outputs = async (f: TensorFunction, seed: number, steps: readonly number[]): Promise<HostTensor[]> => {
    const program = await compile(f, spec, { seed });
    try {
      const results: HostTensor[] = [];
      for (const step of steps) results.push((await program.run(ones, step))['output']);
      return results;
    } finally {
      await program.dispose();
    }
  };

  it('zero the right share, differently at each step', async () => {
    const rate = 0.3;
    const results = await outputs(dropout(rate), 5, [0, 1, 2]);
    for (const result of results)
      // Four standard deviations of a share of 4,000.
      expect(Math.abs(fractionOfZeros(result) - rate)).toBeLessThan(4 * Math.sqrt((rate * (1 - rate)) / 4000));
    const agreement = (a: HostTensor, b: HostTensor) => a.data.filter((value, i) => value === b.data[i]).length / 4000;
    const [first, second, third] = results;
    const independent = rate ** 2 + (1 - rate) ** 2;
    for (const pair of [agreement(first, second), agreement(second, third), agreement(first, third)])
      expect(Math.abs(pair - independent)).toBeLessThan(4 * Math.sqrt((independent * (1 - independent)) / 4000));
  });

  it('repeat for the same seed and step, in any order of steps', async () => {
    const [a, b] = await outputs(dropout(0.5), 7, [3, 9]);
    const [c, d] = await outputs(dropout(0.5), 7, [9, 3]);
    expect(d.data).toEqual(a.data);
    expect(c.data).toEqual(b.data);
    const [other] = await outputs(dropout(0.5), 8, [3]);
    expect(other.data).not.toEqual(a.data);
  });

  it('are independent of each other in one step', async () => {
    const both: TensorFunction = (inputs) => tf.mul(dropout(0.5)(inputs), dropout(0.5)(inputs));
    const [result] = await outputs(both, 1, [0]);
    expect(Math.abs(fractionOfZeros(result) - 0.75)).toBeLessThan(4 * Math.sqrt((0.75 * 0.25) / 4000));
  });

  it('have the value and gradient of an eager run with the same noise, and change with the step', async () => {
    const f = withInputGradients(dropout(0.4), ['x']);
    const samples = { x: new Sampler('noise', 'dropout').normal([50, 80]) };
    const program = await compile(f, spec, { seed: 6 });
    const first = await program.run(samples, 4);
    const eager = withNoise({ seed: 6, step: 4 }, () => runEagerly(f, samples));
    expect(differences(first, eager.outputs, 1e-4)).toEqual([]);
    expect((await program.run(samples, 5))['output'].data).not.toEqual(first['output'].data);
    await program.dispose();
  });

  it('uniform() is uniform on [0, 1), uncorrelated along and across steps', async () => {
    const [a, b] = await outputs(({ x }) => tf.add(uniform([50, 80]), tf.mul(x, 0)), 3, [0, 1]);
    const mean = (values: ArrayLike<number>) =>
      Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
    const correlation = (u: ArrayLike<number>, v: ArrayLike<number>) => {
      const [mu, mv] = [mean(u), mean(v)];
      return 12 * mean(Array.from(u, (value, i) => (value - mu) * (v[i] - mv)));
    };
    for (const { data } of [a, b]) {
      expect(Math.min(...data)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...data)).toBeLessThan(1);
      expect(mean(data)).toBeCloseTo(0.5, 1);
      expect(correlation(data, data)).toBeCloseTo(1, 1);
      for (const lag of [1, 2, 80])
        expect(Math.abs(correlation(data.slice(lag), data.slice(0, -lag)))).toBeLessThan(0.07);
    }
    expect(Math.abs(correlation(a.data, b.data))).toBeLessThan(0.07);
  });

  it.each([
    tfl.layers.dropout({ rate: 0.5 }),
    tfl.layers.dropout({ rate: 0.5, seed: 3 }),
    tfl.layers.spatialDropout1d({ rate: 0.5 }),
    tfl.layers.gaussianNoise({ stddev: 0.5 }),
    tfl.layers.gaussianDropout({ rate: 0.5 }),
    tfl.layers.alphaDropout({ rate: 0.5 }),
  ])("are not TF.js's layers: $name is refused in training, and does nothing in inference", async (layer) => {
    const shape = [2, 3, 4];
    const applied =
      (training: boolean): TensorFunction =>
      ({ x }) =>
        layer.apply(x, { training }) as tf.Tensor;
    await expect(compile(applied(true), { x: { shape } })).rejects.toThrow(/layer '.*' \(.*\) draws random numbers/);
    await expectSameAsReference(applied(false), { x: new Sampler('inference').normal(shape) });
  });

  it('need a stream of noise to run eagerly', () => {
    expect(() => uniform([2])).toThrow(/outside/);
    const draw = () => [...withNoise({ seed: 1, step: 2 }, () => tf.tidy(() => uniform([3]).dataSync()))];
    expect(draw()).toEqual(draw());
  });
});
