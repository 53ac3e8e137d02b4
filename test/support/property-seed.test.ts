import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertySeed } from './property-seed.js';

describe('the seed of properties', () => {
  it('is constant unless NAS_PROPERTY_SEED sets an integer or random', () => {
    expect(propertySeed(undefined)).toBe(propertySeed(undefined));
    expect(propertySeed('-717185035')).toBe(-717185035);
    expect(propertySeed('random')).toBeUndefined();
  });

  it('is rejected if it is not an integer', () => {
    for (const setting of ['', '1.5', 'Random', '0x1'])
      expect(() => propertySeed(setting)).toThrow(`NAS_PROPERTY_SEED: ${JSON.stringify(setting)}`);
  });

  it('is used by properties', () => {
    const { seed } = fc.check(fc.property(fc.nat(), () => true));
    const wanted = propertySeed(process.env['NAS_PROPERTY_SEED']);
    if (wanted === undefined) expect(fc.readConfigureGlobal().seed).toBeUndefined();
    else expect(seed).toBe(wanted);
  });
});
