import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NasError } from '../../../base/errors.js';
import { loadExperiment } from '../../../experiments/parse/index.js';

const folder = join(import.meta.dirname, 'corpus');
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));

/** Expectations in comments: the message contains `#! text`, and not `#- text`. */
function expectations(text: string): { readonly wanted: string[]; readonly unwanted: string[] } {
  const marked = (mark: string): string[] =>
    text.split('\n').flatMap((line) => (line.startsWith(`#${mark} `) ? [line.slice(3)] : []));
  return { wanted: marked('!'), unwanted: marked('-') };
}

function failure(file: string): NasError {
  try {
    loadExperiment(join(folder, file));
  } catch (error) {
    if (error instanceof NasError) return error;
    throw error;
  }
  throw new Error(`${file} was accepted`);
}

describe('a bad experiment file', () => {
  it('exists for every kind of mistake', () => {
    expect(files.length).toBeGreaterThanOrEqual(25);
  });

  it.each(files)('%s is refused with every mistake named', (file) => {
    const error = failure(file);
    const { wanted, unwanted } = expectations(readFileSync(join(folder, file), 'utf8'));
    expect(error.code).toBe('invalid-input');
    expect(wanted.length).toBeGreaterThan(0);
    for (const text of wanted) expect(error.message).toContain(text);
    for (const text of unwanted) expect(error.message).not.toContain(text);
    // Every problem has a position.
    const lines = error.message.split('\n').filter((line) => !line.includes('problems in'));
    for (const line of lines) expect(line).toMatch(/\.yaml:\d+:\d+: /);
  });
});
