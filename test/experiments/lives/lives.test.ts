import { it } from 'vitest';
import { live } from './lives.js';

it('fifty random lives of thirty commands hold', () => live(Number(process.env['NAS_LIVES'] ?? 50)));
