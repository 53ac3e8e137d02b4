import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../../serve/http/metrics.js';
import { temporaryFolder } from '../../support/temporary.js';
import { writeFrontier } from '../models.js';
import { greyService, startServer } from './server.js';

describe('metrics', () => {
  it('count requests by route and status, never by URL', async () => {
    const { url, metric } = await startServer(greyService());
    for (const path of ['/v2/models/trial-1', '/v2/models/trial-2', '/v2/models/x', '/a', '/b', '/v2'])
      await (await fetch(`${url}${path}`)).arrayBuffer();
    await expect
      .poll(() => metric('nas_requests_total'))
      .toEqual([
        { labels: { route: '/v2/models/:name', status: '200' }, value: 2 },
        { labels: { route: '/v2/models/:name', status: '404' }, value: 1 },
        { labels: { route: 'none', status: '404' }, value: 2 },
        { labels: { route: '/v2', status: '200' }, value: 1 },
      ]);
  });

  it('are in the text format of Prometheus, with the metrics of the process', async () => {
    const { url } = await startServer(greyService());
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await answer.text();
    for (const line of ['nas_queue_depth 3', 'nas_decode_queue_depth 0', 'nas_networks 3', 'nas_connections 1'])
      expect(text.split('\n')).toContain(line);
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  });

  it('count batches, sizes, times and late images by network', async () => {
    const { registry, onBatch } = createMetrics();
    const [first, second] = writeFrontier(temporaryFolder()).models;
    onBatch({ model: first, size: 3, ms: 1.5, late: 1 });
    onBatch({ model: first, size: 1, ms: 0.75, late: 0 });
    onBatch({ model: second, size: 16, ms: 700, late: 16 });
    const text = await registry.metrics();
    for (const line of [
      'nas_batches_total{network="trial-1"} 2',
      'nas_answers_total{network="trial-1"} 4',
      'nas_late_answers_total{network="trial-1"} 1',
      'nas_late_answers_total{network="trial-2"} 16',
      'nas_batch_seconds_bucket{le="0.001",network="trial-1"} 1',
      'nas_batch_seconds_bucket{le="0.002",network="trial-1"} 2',
      'nas_batch_seconds_sum{network="trial-2"} 0.7',
      'nas_batch_size_bucket{le="4"} 2',
      'nas_batch_size_bucket{le="16"} 3',
      'nas_batch_size_sum 20',
    ])
      expect(text.split('\n')).toContain(line);
  });

  it('measure seconds from the headers of a request to its answer', async () => {
    const { registry, onRequest } = createMetrics();
    onRequest('/v2', 200, 0.003);
    onRequest('/v2', 404, 4);
    const text = await registry.metrics();
    for (const line of [
      'nas_request_seconds_bucket{le="0.002",route="/v2"} 0',
      'nas_request_seconds_bucket{le="0.005",route="/v2"} 1',
      'nas_request_seconds_count{route="/v2"} 2',
    ])
      expect(text.split('\n')).toContain(line);
  });
});
