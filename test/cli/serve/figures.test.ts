import { describe, expect, it } from 'vitest';
import { countsOf, figuresLine } from '../../../cli/serve/figures.js';
import { createMetrics } from '../../../serve/http/metrics.js';
import { greyNetworks, writeFrontier } from '../../serve/models.js';
import { temporaryFolder } from '../../support/temporary.js';

const route = '/v1/classify';

describe('figuresLine', () => {
  it('tells what happened since, from what is counted for Prometheus', async () => {
    const { models } = writeFrontier(temporaryFolder(), greyNetworks.slice(0, 2));
    const metrics = createMetrics();
    const request = (status: number, ms: number): void => metrics.onRequest(route, status, ms / 1000);
    request(200, 900);
    metrics.onBatch({ model: models[0], size: 100, ms: 1, queuedMs: 0, late: 50 });
    const before = await countsOf(metrics.registry);
    expect(figuresLine(before, before, 2)).toBe('0 requests/s, 0 waiting');

    for (let i = 0; i < 98; i++) request(200, 15);
    request(503, 0.1);
    request(504, 150);
    metrics.onRequest('/metrics', 200, 3);
    metrics.onBatch({ model: models[0], size: 24, ms: 1, queuedMs: 0, late: 1 });
    metrics.onBatch({ model: models[1], size: 74, ms: 1, queuedMs: 0, late: 0 });
    const after = await countsOf(metrics.registry);
    // 99 of a hundred took at most 20 ms, and half of them less than the middle of 10 and 20 ms.
    expect(figuresLine(before, after, 2)).toBe(
      '50 requests/s, 98.98 % in time, p50 15 ms, p99 20 ms, 0 waiting, 1.0 refused/s, trial-2 76 %, trial-1 24 %',
    );
  });

  it('says no more than is known of what takes longer than all bounds', async () => {
    const metrics = createMetrics();
    const before = await countsOf(metrics.registry);
    metrics.onRequest(route, 200, 60);
    expect(figuresLine(before, await countsOf(metrics.registry), 1)).toBe(
      '1.0 requests/s, p50 5,000 ms, p99 5,000 ms, 0 waiting',
    );
  });
});
