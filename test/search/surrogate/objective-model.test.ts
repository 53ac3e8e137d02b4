import { expect, it } from 'vitest';
import { mean } from '../../../base/statistics.js';
import { Random } from '../../../base/random.js';
import type { TrialResult } from '../../../search/index.js';
import { Encoder } from '../../../search/surrogate/encoding.js';
import { ObjectiveModel } from '../../../search/surrogate/objective-model.js';
import { enumerate } from '../../../spaces/index.js';
import { accuracy, both, latency, space } from './chain.js';

const networks = new Random(3, 'networks').shuffle([...enumerate(space)]).slice(0, 60);
const encoder = new Encoder(space, ['latency'], networks, (genotype) => ({ latency: latency(genotype) }));

/** The root mean squared errors of observed accuracies and of those that the model believes. */
function errors(noise: number): { readonly observed: number; readonly believed: number } {
  const random = new Random(4, 'noise');
  const trials = networks.map((genotype, number): TrialResult => ({
    ...{ number, genotype, state: 'complete' },
    values: { accuracy: accuracy(genotype) + noise * random.normal() },
    deviations: { accuracy: noise },
  }));
  const { believed } = new ObjectiveModel(both[0], encoder, trials).at(trials, encoder.encode([]), undefined);
  const error = (valueOf: (trial: TrialResult) => number): number =>
    Math.sqrt(mean(trials.map((trial) => (valueOf(trial) - accuracy(trial.genotype)) ** 2)));
  return {
    observed: error(({ values }) => values['accuracy']),
    believed: error((trial) => -(believed.get(trial) ?? NaN)),
  };
}

it('what a model believes of its trials is nearer to the truth than values with known deviations are', () => {
  const { observed, believed } = errors(0.05);
  expect(believed).toBeLessThan(0.7 * observed);
});

it('a model believes values without noise', () => {
  expect(errors(0).believed).toBeLessThan(0.01);
});
