import { describe, expect, it } from 'vitest';
import { dataSchema, defaultAugment } from '../../../../trainers/index.js';

describe('defaultAugment', () => {
  it.each([
    [{ type: 'cifar10', path: '' }, 2, true],
    [{ type: 'cifar100', path: '' }, 2, true],
    [{ type: 'image-folder', path: '', size: 64 }, 4, true],
    [{ type: 'image-folder', path: '', size: 96 }, 6, true],
    [{ type: 'image-folder', path: '', size: 64, channels: 1 }, 4, false],
    [{ type: 'fashion-mnist' }, 2, false],
  ])('of %o moves by %d pixels; flips: %s', (data, pixels, flips) => {
    const crop = { type: 'crop', pixels };
    expect(defaultAugment(dataSchema.parse(data))).toEqual(flips ? [{ type: 'flip' }, crop] : [crop]);
  });

  it('changes photographs more that are shown often', () => {
    const photographs = dataSchema.parse({ type: 'image-folder', path: '', size: 64 });
    const light = defaultAugment(photographs);
    expect(defaultAugment(photographs, 10)).toEqual(light);
    expect(defaultAugment(photographs, 400)).toEqual([...light, { type: 'trivial-augment', strength: 1 }]);
  });

  it.each([
    { type: 'image-folder', path: 'x', channels: 1 },
    { type: 'list', path: 'x', task: 'regression' },
    { type: 'boxes', path: 'x' },
    { type: 'masks', path: 'x' },
  ])('of %o is the same however often they are shown', (written) => {
    const data = dataSchema.parse(written);
    expect(defaultAugment(data, 400)).toEqual(defaultAugment(data));
  });
});
