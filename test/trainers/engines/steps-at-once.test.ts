import { beforeAll, describe, expect, test } from 'vitest';
import { resolveTarget, targetWith } from '../../../compiler/index.js';
import { inputsOf, outputsOf, parseOnnx, type TensorInfo } from '../../../compiler/onnx/file.js';
import { CompiledTraining, createCompiledEngine } from '../../../trainers/engines/compiled.js';
import { activateBackend, type ProgramSpec } from '../../../trainers/engines/index.js';
import { createNetworkProgram } from '../../../trainers/engines/network-program.js';
import { lossSchema } from '../../../trainers/schema/loss.js';
import { noiseBatch, tinyStudent } from '../support/networks.js';
import { batch, everything, specOf } from './contract.js';

beforeAll(() => activateBackend());

const updates = [0, 1, 2, 3, 4].map((i) => ({
  batch: noiseBatch(tinyStudent(), batch, i),
  learningRate: 0.05 / (1 + i),
}));

/** Metrics of the updates in calls of `stepsAtOnce`, and the states after them. */
async function trained(spec: () => ProgramSpec, stepsAtOnce: number) {
  const target = await resolveTarget({ stepsAtOnce });
  const engine = await createCompiledEngine(createNetworkProgram(spec()), { target, batch });
  expect(engine.stepsAtOnce).toBe(stepsAtOnce);
  const metrics = [];
  for (let at = 0; at < updates.length; at += stepsAtOnce)
    metrics.push(...(await engine.train(updates.slice(at, at + stepsAtOnce), at)));
  const state = await engine.state();
  await engine.dispose();
  return { metrics, state };
}

test('a loop over steps trains like single steps, bit for bit', async () => {
  const spec = specOf({ ...everything, network: tinyStudent({ dropout: 0.4 }) });
  const single = await trained(spec, 1);
  expect(single.metrics).toHaveLength(5);
  expect(await trained(spec, 4)).toEqual(single);
});

const size = ({ shape }: TensorInfo): number =>
  4 * shape.reduce<number>((product, d) => product * (typeof d === 'number' ? d : 1), 1);
const bytesOf = (tensors: readonly TensorInfo[]): number => tensors.reduce((sum, tensor) => sum + size(tensor), 0);

describe('transfers between host and device', () => {
  const ports = async (stepsAtOnce: number) => {
    const spec = specOf({ loss: lossSchema.parse({ type: 'kd' }), ema: 0.9, network: tinyStudent({ dropout: 0.4 }) })();
    const target = targetWith(null, { stepsAtOnce });
    const program = createNetworkProgram(spec);
    const step = await new CompiledTraining(program, { target, batch }).compileStep();
    const file = parseOnnx(step.bytes);
    const states = 4 * [...program.states.values()].reduce((sum, { size }) => sum + size, 0);
    await step.dispose();
    program.dispose();
    return { inputs: inputsOf(file), outputs: outputsOf(file), states };
  };
  /** Whether a port has a value for each step. */
  const isOwn = ({ shape }: TensorInfo): boolean => shape[0] === 'steps';

  test('a run of several steps takes and gives the states once', async () => {
    const [single, several] = [await ports(1), await ports(8)];
    const feeds = 4 * batch * (10 * 10 + 10 + 10) + 3 * 4;
    const metrics = 2 * 4;
    expect(bytesOf(single.inputs)).toBe(single.states + feeds);
    expect(bytesOf(single.outputs)).toBe(single.states + metrics);
    const { inputs, outputs, states } = several;
    expect(bytesOf(inputs.filter(isOwn))).toBe(feeds);
    expect(bytesOf(outputs.filter(isOwn))).toBe(metrics);
    const steps = inputs.filter(({ name }) => name === 'loop/steps');
    expect(bytesOf(inputs.filter((port) => !isOwn(port))) - bytesOf(steps)).toBe(states);
    expect(bytesOf(outputs.filter((port) => !isOwn(port)))).toBe(states);
  });

  test('several steps in a run are for providers that run loops and cannot keep states on the device', () => {
    const atOnce = (provider: string): number => targetWith(null, { provider }).stepsAtOnce;
    expect(['cpu', 'webgpu', 'cuda', 'coreml'].map(atOnce)).toEqual([1, 1, 8, 1]);
  });
});
