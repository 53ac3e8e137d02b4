import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '../../base/files.js';
import { editorSchema } from './json-schema.js';

/** Text of experiments/experiment.schema.json, which editors use. */
export const schemaFileText = (): string => `${JSON.stringify(editorSchema(), null, 2)}\n`;

/** `npm run schema` writes the file. */
if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileAtomic(fileURLToPath(new URL('../experiment.schema.json', import.meta.url)), schemaFileText());
