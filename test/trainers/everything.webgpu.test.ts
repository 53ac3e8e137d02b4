import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { extremes, memberOf } from '../../spaces/index.js';
import { initialWeights, type Weights } from '../../spaces/models/index.js';
import {
  createEngine,
  engineSchema,
  evaluateMember,
  fitSupernet,
  prepareTeacher,
  readTensorFile,
  saveWeights,
  supernetConfig,
  supernetSchema,
  trainSchema,
  type EngineConfig,
  type MemberJob,
  type SupernetJob,
} from '../../trainers/index.js';
import { chooseEngine } from '../../trainers/engines/index.js';
import { lossSchema } from '../../trainers/schema/loss.js';
import { gateGradients } from '../../trainers/channel-importance.js';
import { detectionBatch, segmentationBatch, tinyDetector } from '../support/tiny-detector.js';
import { describeOnWebGpu } from '../support/webgpu.js';
import { muon, specOf } from './engines/contract.js';
import { makeSpace, task, tiniestSpace } from './supernet/spaces.js';
import { answerBytes } from './support/answers.js';
import { noiseBatch, tiniestStudent, tinyStudent, update } from './support/networks.js';
import { relativeDistance } from './support/one-step.js';
import { compiled, sharedWorkbench, quiet, tinyTrain, completed } from './support/tiny-training.js';
import { evaluateModel } from './support/evaluate-model.js';

const webgpu: EngineConfig = engineSchema.parse({ type: 'compiled', provider: 'webgpu' });

/** Weights whose logits differ from image to image. */
function outspoken(weights: Weights): Weights {
  weights.get('logits/kernel')?.data.forEach((x, i, data) => (data[i] = 500 * x));
  return weights;
}

const any = (): boolean => true;

/** What is computed beside training steps: the numbers of the processor but for rounding, wherever networks train. */
describeOnWebGpu('on WebGPU, as on the processor', () => {
  const bench = sharedWorkbench([8]);
  const weights = join(bench.folder, 'weights.bin');
  beforeAll(() => saveWeights(outspoken(initialWeights(tiniestStudent, 1)), weights));

  test('the gradients that say which channels matter', async () => {
    const model = { network: tinyStudent(), weights: outspoken(initialWeights(tinyStudent(), 1)) };
    const of = async (engine: EngineConfig) => {
      const gradients = await gateGradients(model, 8, await chooseEngine(engine), 1);
      const { images, labels } = noiseBatch(model.network, 8, 2);
      const found = await gradients.of(images, labels);
      await gradients.close();
      return new Map([...found].map(([name, data]) => [name, { shape: [data.length], data }]));
    };
    expect(relativeDistance(await of(webgpu), await of(compiled), any)).toBeLessThan(1e-5);
  });

  test('evaluation', async () => {
    const of = (engine: EngineConfig) =>
      evaluateModel({ network: tiniestStudent, weights, dataset: bench.dataset, split: 'test', engine, threads: 1 });
    const [found, expected] = [await of(webgpu), await of(compiled)];
    expect(found.accuracy).toBe(expected.accuracy);
    expect(found.loss).toBeCloseTo(expected.loss, 5);
  });

  test("a teacher's logits", async () => {
    const train = trainSchema.parse({ ...tinyTrain, loss: { type: 'kd' } });
    const of = async (name: string, engine: EngineConfig) => {
      const cache = join(bench.folder, name);
      const options = { dataset: bench.dataset, train, seed: 11, engine, threads: 1, cache };
      const teacher = await prepareTeacher({ type: 'network', name, network: tiniestStudent, weights }, options);
      const data = new Float32Array(answerBytes(teacher?.logits?.file));
      return new Map([['logits', { shape: [data.length], data }]]);
    };
    const expected = await of('processor', compiled);
    expect(expected.get('logits')?.data.some((x) => Math.abs(x) > 1)).toBe(true);
    expect(relativeDistance(await of('card', webgpu), expected, any)).toBeLessThan(1e-5);
  });

  test.each([
    ['detection', {}, detectionBatch],
    ['segmentation', { segmentation: true, se: 0.5 }, segmentationBatch],
  ] as const)('steps of %s that learns from maps', async (learned, head, batch) => {
    const network = tinyDetector(head);
    const loss = { ...lossSchema.parse({ type: 'kd' }), task: learned };
    const open = (engine: EngineConfig) =>
      createEngine(engine, specOf({ optimizer: muon, network, loss }), { threads: 1, batch: 4 });
    const [card, processor] = [await open(webgpu), await open(compiled)];
    for (let step = 0; step < 2; step++) {
      const own = batch(network, 4, step);
      const [found, expected] = [await update(card, own, 0.05, step), await update(processor, own, 0.05, step)];
      expect(Math.abs(found.loss / expected.loss - 1)).toBeLessThan(1e-4);
    }
    expect(relativeDistance(await card.state(), await processor.state(), any)).toBeLessThan(1e-3);
    await Promise.all([card.dispose(), processor.dispose()]);
  });

  test('a supernet, and a member of it with the statistics of its own', { timeout: 120_000 }, async () => {
    const space = tiniestSpace();
    const config = {
      ...supernetConfig(tinyTrain, supernetSchema.parse({ epochs: 1, hold: 4, networks: 1 })),
      batch: 24,
    };
    const job = (name: string, engine: EngineConfig): SupernetJob => ({
      space,
      task,
      seed: 3,
      config,
      dataset: bench.dataset,
      teacher: null,
      engine,
      threads: 1,
      directory: join(bench.folder, name),
    });
    const train = async (name: string, engine: EngineConfig) =>
      completed(await fitSupernet(job(name, engine), quiet()));
    const [found, expected] = [await train('card-supernet', webgpu), await train('supernet', compiled)];
    expect(Math.abs(found.curve[0].train_loss / expected.curve[0].train_loss - 1)).toBeLessThan(1e-5);
    const [actual, wanted] = [found, expected].map((result) => readTensorFile(result.weights).tensors);
    expect(relativeDistance(actual, wanted, any)).toBeLessThan(1e-4);

    const made = await makeSpace(space);
    const member: Omit<MemberJob, 'engine'> = {
      member: memberOf(made, extremes(made).smallest.genotype),
      weights: expected.weights,
      dataset: bench.dataset,
      augment: tinyTrain.augment,
      batch: 24,
      calibration: 48,
      seed: 9,
      threads: 1,
    };
    const [own, reference] = [
      await evaluateMember({ ...member, engine: webgpu }),
      await evaluateMember({ ...member, engine: compiled }),
    ];
    expect(relativeDistance(own.weights, reference.weights, (name) => name.includes('moving_'))).toBeLessThan(1e-5);
    expect(own.loss).toBeCloseTo(reference.loss, 4);
  });
});
