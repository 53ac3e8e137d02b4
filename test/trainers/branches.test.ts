import { afterAll, beforeAll, expect, it } from 'vitest';
import { foldedNetwork, type Network } from '../../spaces/index.js';
import { foldBranches, toOnnx, weightSpecs } from '../../spaces/models/index.js';
import {
  evaluateModel,
  fit,
  quantizeAwareTraining,
  readFolded,
  readWeights,
  saveWeights,
  type CompleteFit,
  type FitJob,
} from '../../trainers/index.js';
import { openWorkbench, quiet, tinyJob, tinyTrain, type Workbench } from './support/tiny-training.js';

let bench: Workbench;
let network: Network;
let trained: CompleteFit;

const jobOf = (name: string, own: Partial<FitJob> = {}): FitJob => tinyJob(bench, name, { network, ...own });

async function complete(job: FitJob): Promise<CompleteFit> {
  const result = await fit(job, quiet());
  if (result.state !== 'complete') throw new Error('the training was interrupted');
  return result;
}

beforeAll(async () => {
  bench = await openWorkbench();
  const { network: plain } = tinyJob(bench, 'plain');
  const act = 'relu';
  network = {
    ...plain,
    blocks: [
      { kind: 'separable', filters: 8, kernel: 3, stride: 2, act, se: 0, branches: 2 },
      { kind: 'conv', filters: 8, kernel: 3, stride: 1, act, branches: 1 },
    ],
  };
  trained = await complete(jobOf('trained'));
});
afterAll(() => bench.close());

it('branches are trained and kept; folding them keeps the accuracy', async () => {
  const weights = readWeights(network, trained.weights);
  expect([...weights.keys()]).toContain('block1_dw_copy2_bn/moving_mean');
  expect(weights.get('block2_skip_bn/moving_mean')?.data.some((value) => value !== 0)).toBe(true);
  const folded = readFolded(network, trained.weights);
  expect(folded).toEqual(foldBranches({ network, weights }));
  saveWeights(folded.weights, `${trained.weights}.folded`);
  const { dataset, engine, threads } = jobOf('evaluated');
  const scored = (own: Network, file: string) =>
    evaluateModel({ network: own, weights: file, dataset, split: 'validation', engine, threads });
  const [before, after] = [
    await scored(network, trained.weights),
    await scored(folded.network, `${trained.weights}.folded`),
  ];
  expect(after.accuracy).toBe(before.accuracy);
  expect(after.loss).toBeCloseTo(before.loss, 4);
});

it('fine-tuning with the rounding of int8 trains the folded network, which is read as such', async () => {
  const tuned = await complete(
    jobOf('tuned', {
      train: quantizeAwareTraining(tinyTrain, 1),
      initial: { file: trained.weights },
      quantizeAware: { weightBits: 8, method: 'minmax', percentile: 99.99, images: 32, seed: 3 },
    }),
  );
  const { network: deployed, weights } = readFolded(network, tuned.weights);
  expect(deployed).toEqual(foldedNetwork(network));
  expect([...weights.keys()].sort()).toEqual(
    weightSpecs(deployed)
      .map(({ name }) => name)
      .sort(),
  );
  expect(toOnnx({ network: deployed, weights }).length).toBeGreaterThan(0);
  expect(weights.get('block2/kernel')).not.toEqual(readFolded(network, trained.weights).weights.get('block2/kernel'));
});

it('a file that lacks a branch is refused by the name of the weight', () => {
  const weights = new Map(readWeights(network, trained.weights));
  weights.delete('block1_dw_point/depthwise_kernel');
  saveWeights(weights, `${trained.weights}.damaged`);
  expect(() => readFolded(network, `${trained.weights}.damaged`)).toThrow('block1_dw_point/depthwise_kernel');
});
