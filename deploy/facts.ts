import { join } from 'node:path';
import { writeFileAtomic } from '../base/files.js';
import type { ModelMetadata } from './metadata.js';

/**
 * Writes what programs need beside a model's file: `metadata.json` and, where the classes are known, `labels.txt` (one a line,
 * in the order of the outputs).
 */
export function writeFacts(directory: string, metadata: Partial<ModelMetadata>): void {
  writeFileAtomic(join(directory, 'metadata.json'), `${JSON.stringify(metadata, null, 2)}\n`);
  const { classes } = metadata;
  if (classes) writeFileAtomic(join(directory, 'labels.txt'), classes.map((name) => `${name}\n`).join(''));
}
