import { it } from 'vitest';
import { live, quickLives, supernetLives } from './lives.js';

const hour = 3_600_000;

/** `NAS_LIVES=2000 npm run test:lives`. */
const count = Number(process.env['NAS_LIVES'] ?? 12);

it(`${count} random lives of thirty commands hold`, () => live(count, quickLives(true)), 3 * hour);

it(
  `${Math.ceil(count / 50)} random lives of a supernet hold`,
  () => live(Math.ceil(count / 50), supernetLives),
  3 * hour,
);
