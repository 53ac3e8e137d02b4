import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '../base/files.js';
import { commandsPage } from './generator/commands.js';
import { experimentPage } from './generator/experiment.js';
import { operatorsPage } from './generator/operators.js';

/** File name in docs/ → renderer of the page. */
export const generatedPages = {
  'experiment.md': experimentPage,
  'operators.md': operatorsPage,
  'commands.md': commandsPage,
} as const satisfies Readonly<Record<string, () => string | Promise<string>>>;

// As a program (`npm run docs`), this file writes the pages.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, render] of Object.entries(generatedPages))
    writeFileAtomic(fileURLToPath(new URL(name, import.meta.url)), await render());
}
