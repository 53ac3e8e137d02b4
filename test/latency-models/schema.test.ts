import { describe, expect, it } from 'vitest';
import { latencySchema } from '../../latency-models/index.js';

describe('latency:', () => {
  it('has a default for everything but the budget', () => {
    const device = { type: 'local', provider: 'cpu', threads: 1, batch: 1 };
    expect(latencySchema.parse({})).toEqual({ device, predictor: 'auto', calibration: 12 });
    expect(latencySchema.parse({ device: 'local', budget_ms: 2 })).toMatchObject({ device, budget_ms: 2 });
  });

  it.each([{ device: 'moon' }, { device: { threads: 0 } }, { budget_ms: 0 }, { calibration: 3 }, { budget: 1 }])(
    'refuses %j',
    (written) => expect(latencySchema.safeParse(written).success).toBe(false),
  );
});
