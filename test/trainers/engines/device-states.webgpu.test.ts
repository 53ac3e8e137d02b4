import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, expect, it } from 'vitest';
import { resolveTarget, type Program, type Target } from '../../../compiler/index.js';
import { CompiledTraining, readStates } from '../../../trainers/engines/compiled.js';
import { createNetworkProgram } from '../../../trainers/engines/network-program.js';
import { describeOnWebGpu } from '../../support/webgpu.js';
import { noiseBatch, tiniestStudent } from '../support/networks.js';
import { batch, specOf } from './contract.js';

/** Steps whose memory is compared with that of half as many; more of them take minutes on a software adapter. */
const memorySteps = Number(process.env['NAS_TEST_MEMORY_STEPS'] ?? 100);

let target: Target;

beforeAll(async () => {
  await tf.setBackend('cpu');
  target = await resolveTarget({ provider: 'webgpu' });
});

/** A training with momentum, moving average and dropout. */
async function opened() {
  const program = createNetworkProgram(specOf({ network: tiniestStudent, ema: 0.9 })());
  const training = new CompiledTraining(program, { target, batch });
  const step = await training.compileStep();
  const train = async (at: number): Promise<number> => {
    const feeds = training.feeds({ batch: noiseBatch(tiniestStudent, batch, at % 3), learningRate: 0.05 }, at);
    return (await step.run(feeds, at))['loss'].data[0];
  };
  const close = async (): Promise<void> => {
    await step.dispose();
    program.dispose();
  };
  return { training, step, train, close, read: () => readStates(training.states, program.states) };
}

const moved = ({ bytesGiven, bytesTaken }: Program): [number, number] => [bytesGiven, bytesTaken];

describeOnWebGpu('a training whose states stay on the device', () => {
  it('is that of states that cross at every step, bit for bit, and moves feeds and two numbers', async () => {
    const [stays, crosses] = [await opened(), await opened()];
    const crossings: number[] = [];
    for (let at = 0; at < 6; at++) {
      const loss = await crosses.train(at);
      await crosses.training.states.bringHome(crosses.training.states.names);
      const before = moved(stays.step);
      expect(await stays.train(at)).toBe(loss);
      const [given, taken] = moved(stays.step);
      expect(taken - before[1]).toBe(8);
      crossings.push(given - before[0]);
    }
    // Images, labels, rate, decay and the seed of the noise; the first step takes the states up, too.
    const feeds = 4 * (batch * 10 * 10 + batch * 10 + 3);
    expect(crossings.slice(1)).toEqual(Array<number>(5).fill(feeds));
    expect(crossings[0]).toBeGreaterThan(feeds);
    expect(await stays.read()).toEqual(await crosses.read());
    await stays.close();
    await crosses.close();
  });

  it('keeps no memory of its steps', { timeout: 3_600_000 }, async () => {
    const { train, close } = await opened();
    for (let at = 0; at < memorySteps / 2; at++) await train(at);
    const before = process.memoryUsage.rss();
    for (let at = 0; at < memorySteps / 2; at++) await train(at);
    expect((process.memoryUsage.rss() - before) / 2 ** 20).toBeLessThan(20);
    await close();
  });
});
