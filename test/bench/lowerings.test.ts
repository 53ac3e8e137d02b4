import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { gainsSchema } from '../../bench/train/report.js';
import { lowerings } from '../../compiler/lowerings.js';

it('lists a gain, or null for none, for every lowering and network', () => {
  const file = new URL('../../bench/lowerings.json', import.meta.url);
  const gains = gainsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  expect(Object.keys(gains)).not.toEqual([]);
  for (const own of Object.values(gains)) expect(Object.keys(own)).toEqual(lowerings.map(({ name }) => name));
});
