import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '../../base/files.js';
import { editorSchema } from './json-schema.js';

/** The text of experiments/experiment.schema.json: what editors check experiment files against. */
export const schemaFileText = (): string => `${JSON.stringify(editorSchema(), null, 2)}\n`;

/** Run as a program (`npm run schema`), writes the file into the folder of experiments. */
if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileAtomic(fileURLToPath(new URL('../experiment.schema.json', import.meta.url)), schemaFileText());
