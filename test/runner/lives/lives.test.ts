import { it } from 'vitest';
import { live, quickLives } from './lives.js';

it('fifteen random lives of thirty commands hold', () => live(15, quickLives(false)), 600_000);
