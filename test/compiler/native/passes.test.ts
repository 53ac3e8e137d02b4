import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { acts, fields, ops } from '../../../compiler/native/passes.js';

const header = readFileSync(new URL('../../../native/nas.h', import.meta.url), 'utf8').replaceAll(/\/\*.*?\*\//gs, '');

/** The names in a list `#define <list>(X) X(a) X(b)`. */
function names(list: string): string[] {
  const [, body = ''] = new RegExp(`#define ${list}\\(X\\)((?:.*\\\\\n)*.*)`).exec(header) ?? [];
  return [...body.matchAll(/X\((\w+)\)/g)].map(([, name]) => name);
}

test('fields, operations and activations are those of the header, in its order', () => {
  expect(['op', ...Object.keys(fields)]).toEqual(names('NAS_FIELDS'));
  expect(ops).toEqual(names('NAS_OPS'));
  const [, list = ''] = /enum nas_act \{ (.*), NAS_ACTS \}/.exec(header) ?? [];
  expect(acts.map((act) => `ACT_${act.toUpperCase()}`)).toEqual(list.split(', '));
});
