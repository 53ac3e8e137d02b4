import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { generateLoad } from '../../bench/serve/load/generate.js';
import { startNas } from '../../bench/serve/server-process.js';
import { temporaryFolder } from '../support/temporary.js';
import { colourNetwork, writeFrontier } from './models.js';

const peakOf = (pid: number): number =>
  (Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024) / 1e6;

describe.runIf(process.platform === 'linux')('a server on a small board', () => {
  it('uses at most 150 MB with a network of 1 MB, under load', async () => {
    const folder = temporaryFolder();
    const [{ file }] = writeFrontier(folder, [colourNetwork({ name: 'one', depth: 2, filters: 112 })]).models;
    expect(statSync(file).size).toBeGreaterThan(0.9e6);
    const image = join(temporaryFolder(), 'image.jpg');
    const picture = { width: 640, height: 480, channels: 3, background: 'teal' } as const;
    const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
    writeFileSync(
      image,
      await sharp({ create: { ...picture, noise } })
        .jpeg()
        .toBuffer(),
    );
    // The settings of docs/serving.md.
    vi.stubEnv('NODE_OPTIONS', '--max-semi-space-size=2 --max-old-space-size=64');
    vi.stubEnv('MALLOC_ARENA_MAX', '1');
    onTestFinished(() => void vi.unstubAllEnvs());
    const server = await startNas(folder, '--workers', 'inline', '--decoders', '1', '--max-batch', '1');
    try {
      const { counts } = await generateLoad({
        port: server.port,
        requests: [
          { path: '/v1/classify', headers: { 'content-type': 'image/jpeg', 'x-budget-ms': '60000' }, body: image },
        ],
        pace: { kind: 'closed' },
        seconds: 3,
        connections: 4,
        budgetMs: 60_000,
      });
      expect(counts.good).toBeGreaterThan(3);
      expect(peakOf(server.pid)).toBeLessThan(150);
    } finally {
      await server.end();
    }
  });
});
