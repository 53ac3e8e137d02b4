import { it } from 'vitest';
import { live, quickLives } from './lives.js';

it('six random lives of thirty commands hold', () => live(6, quickLives(false)), 600_000);
