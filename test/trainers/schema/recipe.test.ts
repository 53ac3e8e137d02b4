import { describe, expect, it } from 'vitest';
import { fromTrained } from '../../../trainers/training/fine-tuning.js';
import type { ConfigOf } from '../../../trainers/optimizers/optimizer.js';
import { dataSchema } from '../../../trainers/data/schema.js';
import {
  completeTraining,
  dataDefaults,
  defaultLength,
  overTraining,
  timesShown,
  trainSchema,
  withStepsOn,
} from '../../../trainers/schema/recipe.js';
import { optimizerSchema, trainKeys } from '../../../trainers/schema/train.js';

const parse = (written: unknown) => trainSchema.parse(written);

describe('the recipe of a training', () => {
  it('is plain with another optimizer than muon, unless it is named', () => {
    const sgd = { type: 'sgd' };
    expect(parse({ optimizer: sgd })).toMatchObject({ recipe: 'plain', optimizer: sgd, final_learning_rate: 0.01 });
    expect(parse({ optimizer: sgd }).stem).toBeUndefined();
    expect(parse({ optimizer: { type: 'muon' } })).toMatchObject({ recipe: 'fast', stem: 'whitened' });
    expect(parse({ recipe: 'fast', optimizer: sgd })).toMatchObject({ optimizer: sgd, schedule: 'linear' });
  });

  it('gives defaults only: each part can be changed by itself', () => {
    const fast = parse({ recipe: 'fast' });
    expect(fast).toMatchObject({ optimizer: { type: 'muon' }, schedule: 'linear', stem: 'whitened' });
    const changed = parse({ recipe: 'fast', schedule: 'constant', stem: 'trained', final_learning_rate: 0.5 });
    expect(changed).toEqual({ ...fast, schedule: 'constant', stem: 'trained', final_learning_rate: 0.5 });
  });

  it('shows few images with boxes at once, rare classes more often, at the rate of Muon that larger batches have', () => {
    const boxes = dataDefaults(dataSchema.parse({ type: 'boxes', path: 'faces' }));
    const complete = (written: object) => completeTraining(trainKeys.parse(written), boxes);
    const { batch, optimizer, augment, class_sampling: sampling } = complete({});
    expect(sampling).toBe('balanced');
    expect({ batch, steps: augment.map(({ type }) => type) }).toEqual({ batch: 16, steps: ['window', 'flip'] });
    const rate = optimizer.type === 'muon' ? optimizer.muon_rate * Math.sqrt(batch / 128) : 0;
    expect(rate).toBeCloseTo(0.1, 3);
    const plain = complete({ batch: 8, recipe: 'plain' });
    expect(plain).toMatchObject({ batch: 8, optimizer: { type: 'sgd' }, augment: [] });
    expect(plain.class_sampling).toBeUndefined();
    expect(overTraining(plain, { recipe: 'fast' as const }, 20, boxes).optimizer).toEqual(optimizer);
    expect(complete({ optimizer: { type: 'muon' } }).optimizer).toMatchObject({ muon_rate: 0.1 });
    expect(parse({}).batch).toBe(128);
  });

  it('can be another one for a part of the run, which keeps all other keys', () => {
    const train = parse({ recipe: 'fast', batch: 32, ema: 0.9 });
    const final = overTraining(train, { recipe: 'plain' as const }, 20);
    expect(final).toMatchObject({ recipe: 'plain', optimizer: { type: 'sgd' }, batch: 32, ema: 0.9 });
    expect(final.stem ?? final.schedule).toBeUndefined();
    expect(overTraining(train, {}, 20)).toMatchObject({ optimizer: train.optimizer, stem: 'whitened' });
  });
});

describe('a training that starts from trained weights', () => {
  it('has a share of all rates of the recipe, and of an optimizer only if that is asked for', () => {
    const { learning_rate, muon_rate } = optimizerSchema.parse({ type: 'muon' }) as ConfigOf<'muon'>;
    expect(fromTrained(parse({}))).toMatchObject({
      warmup_epochs: 0,
      optimizer: { learning_rate: 0.5 * learning_rate, muon_rate: 0.5 * muon_rate },
    });
    const rateOf = (written: object) => fromTrained(parse(written)).optimizer.learning_rate;
    const own = { type: 'muon', learning_rate: 0.5 };
    expect(rateOf({ optimizer: own })).toBe(0.5);
    expect(rateOf({ optimizer: own, tuning_rate: 0.5 })).toBe(0.25);
    const plain = parse({ recipe: 'plain' });
    expect(fromTrained(plain)).toEqual(plain);
  });

  it('has that of `train` in a part of the run, unless that has its own recipe or optimizer', () => {
    const train = parse({ tuning_rate: 0.5 });
    const optimizer = optimizerSchema.parse({ type: 'sgd' });
    expect(overTraining(train, {}, 20).tuning_rate).toBe(0.5);
    expect(overTraining(train, { optimizer }, 20).tuning_rate).toBeUndefined();
    expect(overTraining(train, { recipe: 'plain' as const }, 20).tuning_rate).toBeUndefined();
  });
});

describe('the length of a training', () => {
  it('has a least number of steps by default, and with `steps`', () => {
    const fast = parse({ recipe: 'fast' });
    expect(withStepsOn(100_000, fast).epochs).toBe(defaultLength.epochs);
    const few = withStepsOn(1000, fast);
    expect(few.epochs).toBe(Math.ceil(defaultLength.steps / 7));
    expect(withStepsOn(1000, few)).toEqual(few);
    expect(withStepsOn(1000, parse({ steps: 15 })).epochs).toBe(3);
    expect(withStepsOn(1000, parse({ steps: 15, epochs: 4 })).epochs).toBe(4);
    expect(withStepsOn(1000, parse({ steps: 15, epoch_share: 0.5 })).epochs).toBe(4);
  });

  it('is as written where epochs are written, and with `recipe: plain`', () => {
    expect(withStepsOn(1000, parse({ recipe: 'fast', epochs: 2 })).epochs).toBe(2);
    expect(withStepsOn(1000, parse({ recipe: 'plain' })).epochs).toBe(5);
  });

  it('shows each image as often as it has epochs, or shares of them', () => {
    expect(timesShown(parse({ epochs: 8 }))).toBe(8);
    expect(timesShown(parse({ epochs: 8, epoch_share: 0.25 }))).toBe(2);
  });

  it('is that of `final` or `supernet`, and by default grows with that of `train`', () => {
    const byDefault = parse({ recipe: 'fast' });
    expect(overTraining(byDefault, {}, 20)).toMatchObject({ epochs: 20, steps: 4 * defaultLength.steps });
    expect(overTraining(byDefault, { epochs: 7 }, 20)).toMatchObject({ epochs: 7, steps: undefined });
    expect(overTraining(byDefault, { steps: 9 }, 20)).toMatchObject({ epochs: 1, steps: 9 });
    expect(overTraining(parse({ recipe: 'fast', epochs: 3 }), {}, 20)).toMatchObject({ epochs: 20, steps: undefined });
  });
});
