import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from './built-module.js';

/** The version of nas that runs, from its package.json. */
export function nasVersion(): string {
  const text = readFileSync(join(packageRoot(fileURLToPath(import.meta.url)), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
