import { invalidInput } from '../../base/errors.js';
import type { PoolOptions } from '../../serve/inference/pool.js';

/** @throws NasError `invalid-input` for what is none of them */
export function parseWorkers(text: string): PoolOptions['workers'] {
  if (text === 'auto' || text === 'inline') return text;
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= 1024) return count;
  throw invalidInput(`--workers ${text}: expected auto, inline, or a whole number from 1 to 1024`);
}
