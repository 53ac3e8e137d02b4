import { it } from 'vitest';
import { live } from './lives.js';

it('fifty random lives of thirty commands hold', () => live(50), 600_000);
