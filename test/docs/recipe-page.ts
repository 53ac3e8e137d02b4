import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { it } from 'vitest';
import { blocksOf } from './recipe-blocks.js';
import { runShell, type ShellOptions } from './recipe-commands.js';

/** The path of a file of this repository. */
export const fileOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/**
 * Tests that write the files of a page, and run its commands, in order.
 * @returns what each of its commands printed, by their text; complete after these tests
 */
export function itRunsThePage(page: string, { folder, python }: ShellOptions): ReadonlyMap<string, string> {
  const printed = new Map<string, string>();
  for (const { file, flags, text, line } of blocksOf(readFileSync(fileOf(page), 'utf8'))) {
    if (file !== undefined) it(`writes ${file}`, () => writeFileSync(join(folder, file), text));
    else if (flags.includes('run'))
      it.skipIf(flags.includes('python') && python === undefined)(
        `line ${line}: ${text.split('\n')[0]}`,
        async () => void printed.set(text, await runShell(text, { folder, python })),
      );
  }
  return printed;
}
