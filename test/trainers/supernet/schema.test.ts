import { describe, expect, test } from 'vitest';
import { supernetConfig, supernetSchema, trainSchema } from '../../../trainers/index.js';

describe('supernet:', () => {
  test('overrides train and has keys of its own', () => {
    const train = trainSchema.parse({ batch: 64, ema: 0.99 });
    const config = supernetConfig(train, supernetSchema.parse({ ema: 0.9 }));
    expect(config).toEqual({
      ...train,
      ema: 0.9,
      epochs: 12,
      steps: 1440,
      networks: 2,
      hold: 16,
      soft_labels: 0,
      sampling: 'uniform',
      calibration: 2048,
    });
  });

  test.each([{ soft_labels: 0.5 }, { soft_labels: { from: 0, to: 1 } }, { networks: 0 }])('takes %j', (own) => {
    expect(supernetSchema.parse(own)).toMatchObject(own);
  });

  test.each([{ soft_labels: 1.5 }, { soft_labels: { from: 0 } }, { hold: 0 }, { sampling: 'all' }, { other: 1 }])(
    'refuses %j',
    (own) => {
      expect(supernetSchema.safeParse(own).success).toBe(false);
    },
  );
});
