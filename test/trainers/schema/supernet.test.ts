import { describe, expect, test } from 'vitest';
import { supernetConfig, supernetSchema, trainSchema } from '../../../trainers/index.js';

describe('supernet:', () => {
  test('overrides train and has keys of its own', () => {
    const train = trainSchema.parse({ batch: 64, ema: 0.99 });
    const config = supernetConfig(train, supernetSchema.parse({ ema: 0.9 }));
    expect(config).toEqual({
      ...train,
      optimizer: config.optimizer,
      ema: 0.9,
      epochs: 12,
      steps: 1440,
      networks: 2,
      hold: 16,
      sampling: 'uniform',
      calibration: 2048,
    });
  });

  test('divides the rate of SGD beside Muon by the networks of a step, unless it names an optimizer', () => {
    const optimizerOf = (train: object, own: object) =>
      supernetConfig(trainSchema.parse(train), supernetSchema.parse(own)).optimizer;
    const { optimizer } = trainSchema.parse({});
    const ofSums = { ...optimizer, learning_rate: 0.25 * optimizer.learning_rate };
    expect(optimizerOf({}, {})).toEqual(ofSums);
    expect(optimizerOf({}, { networks: 0 }).learning_rate).toBe(optimizer.learning_rate / 2);
    expect(optimizerOf({ recipe: 'plain' }, { recipe: 'fast' })).toEqual(ofSums);
    expect(optimizerOf({}, { optimizer })).toEqual(optimizer);
    expect(optimizerOf({ recipe: 'plain' }, {}).learning_rate).toBe(0.1);
  });

  test.each([{ networks: 0 }, { sampling: 'macs' }])('takes %j', (own) => {
    expect(supernetSchema.parse(own)).toMatchObject(own);
  });

  test.each([{ hold: 0 }, { sampling: 'all' }, { other: 1 }])('refuses %j', (own) => {
    expect(supernetSchema.safeParse(own).success).toBe(false);
  });
});
