import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { outlineOf } from '../../../deploy/edge/outline.js';
import { edgeSizes, sizesWithin } from '../../../deploy/edge/sizes.js';
import { createSpace, sampleGenotype, spaceSchema } from '../../../spaces/index.js';

const far = { sramBytes: Infinity, flashBytes: Infinity };

describe('sizesWithin', () => {
  it.each([
    { type: 'mobilenet', preset: 'tiny' },
    { type: 'mobilenet', preset: 'mobilenetv4-conv-small' },
    { type: 'efficientnet' },
    { type: 'nas-bench-201' },
  ])('is at most a percent off for $type $preset, and exact near a limit', async (config) => {
    const space = await createSpace(spaceSchema.parse(config), { input: [48, 40, 3], classes: 10 });
    const random = new Random(1, 'sizes');
    for (let i = 0; i < 6; i++) {
      const network = space.build(sampleGenotype(space, random));
      const exact = edgeSizes(outlineOf(network));
      const rough = sizesWithin(network, far);
      expect(Math.abs(rough.sramBytes / exact.sramBytes - 1)).toBeLessThan(0.01);
      expect(Math.abs(rough.flashBytes / exact.flashBytes - 1)).toBeLessThan(0.01);
      expect(sizesWithin(network, { ...far, sramBytes: Math.round(1.01 * exact.sramBytes) })).toEqual(exact);
      expect(sizesWithin(network, { ...far, flashBytes: Math.round(0.99 * exact.flashBytes) })).toEqual(exact);
    }
  });
});
