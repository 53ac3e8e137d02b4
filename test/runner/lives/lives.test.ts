import { it } from 'vitest';
import { live } from './lives.js';

it('fifteen random lives of thirty commands hold', () => live(15), 600_000);
