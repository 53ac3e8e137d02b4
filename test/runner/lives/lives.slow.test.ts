import { it } from 'vitest';
import { live } from './lives.js';

const hour = 3_600_000;

/** `NAS_LIVES=2000 npm run test:lives`. */
const count = Number(process.env['NAS_LIVES'] ?? 60);

it(`${count} random lives of thirty commands hold`, () => live(count), 3 * hour);
