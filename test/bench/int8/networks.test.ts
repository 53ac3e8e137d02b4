import { describe, expect, it } from 'vitest';
import { trainedSubjects } from '../../../bench/int8/networks.js';
import { publishedSubjects } from '../../../bench/int8/speed-subjects.js';
import { costs, layersOf } from '../../../spaces/index.js';

describe('networks of the int8 benchmark', () => {
  it('include at least ten distinct trained networks of every activation and block', () => {
    const networks = trainedSubjects.map(({ build }) => build({ input: [32, 32, 3], classes: 10 }));
    expect(networks.length).toBeGreaterThanOrEqual(10);
    const acts = new Set(networks.map(({ stem }) => stem.act));
    expect([...acts].sort()).toEqual(['hard_swish', 'relu', 'relu6', 'swish']);
    const kinds = new Set(networks.flatMap(({ blocks }) => blocks.map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual(['basic', 'fused_mbconv', 'mbconv']);
    expect(networks.some(({ blocks }) => blocks.some((block) => 'se' in block && block.se > 0))).toBe(true);
    expect(new Set(trainedSubjects.map(({ images, name }) => `${images}: ${name}`)).size).toBe(networks.length);
    // Small enough to train in a minute.
    for (const network of networks) expect(costs(network).macs).toBeLessThan(10e6);
  });

  it('include the published ones with their target speed-ups on VNNI', async () => {
    const published = await publishedSubjects();
    const bars = published.flatMap(({ name, bar }) => (bar === undefined ? [] : [[name, bar]]));
    expect(bars).toEqual([
      ['mobilenetv2', 2],
      ['mobilenetv3-large', 1.4],
      ['efficientnet b0', 1.35],
    ]);
    for (const { network } of published) expect(layersOf(network).length).toBeGreaterThan(40);
    const b0 = published.find(({ name }) => name === 'efficientnet b0');
    // Published: 0.39 G multiply-accumulates.
    expect(b0 && costs(b0.network).macs / 1e9).toBeCloseTo(0.39, 2);
  });
});
