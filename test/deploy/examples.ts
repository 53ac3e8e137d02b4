import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { verbs } from '../../cli/commands/index.js';
import { createParser } from '../../cli/run-command.js';
import { quietTerminal } from '../cli/quiet-terminal.js';

/** Folder of the examples. */
export const examples = fileURLToPath(new URL('../../deploy/examples', import.meta.url));

export const readExample = (name: string): string => readFileSync(join(examples, name), 'utf8');

/** The parsed documents of a YAML file of the examples. */
export function documentsOf(name: string): unknown[] {
  const documents = parseAllDocuments(readExample(name), { merge: true });
  if ('empty' in documents) throw new Error(`${name} is empty`);
  return documents.map((document) => {
    expect(document.errors, name).toEqual([]);
    const parsed: unknown = document.toJS();
    return parsed;
  });
}

/** The words after `nas` in lines that begin with that command, without comments. */
export const commandLinesIn = (text: string): string[][] =>
  text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => {
      const words = /^\s*(?:#\s+)?(?:npx )?nas ([^#&]*)/.exec(line);
      return words === null ? [] : [words[1].trim().split(/\s+/)];
    });

/** The lines of a guide's shell examples. */
export const shellOf = (guide: string): string =>
  [...readFileSync(join(examples, '../../docs', guide), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
    .map(([, block]) => block)
    .join('\n');

/** Fails if the command lacks the verb or one of the options. */
export async function expectKnown([verb, ...others]: readonly string[]): Promise<void> {
  expect(verbs).toContain(verb);
  const { parser } = await createParser([verb], quietTerminal);
  const help = await parser.getHelp();
  const known = new Set([...help.matchAll(/(--[a-z][a-z-]*)/g)].map(([option]) => option));
  const given = others.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0]);
  expect([...known]).toEqual(expect.arrayContaining(given));
}
