import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { builtModule } from '../../../base/processes.js';

/** What a built module imports, and what is imported by that; packages and Node's own modules by their names. */
function importsOf(module: URL, seen = new Set<string>()): Set<string> {
  seen.add(module.href);
  for (const [, name] of readFileSync(module, 'utf8').matchAll(
    /^(?:import|export)\b(?:[^;]*?\bfrom)? ?['"]([^'"]+)['"];$/gm,
  )) {
    const imported = name.startsWith('.') ? new URL(name, module).href : name;
    if (seen.has(imported)) continue;
    if (name.startsWith('.')) importsOf(new URL(imported), seen);
    else seen.add(imported);
  }
  return seen;
}

test('the thread of a loader, of which each training starts several, loads no package', () => {
  const imported = importsOf(builtModule('trainers/data/loader-thread.js'));
  expect([...imported].filter((name) => !/^(file|node):/.test(name))).toEqual([]);
  const files = [...imported].filter((name) => name.startsWith('file:'));
  expect(files.map((file) => readFileSync(new URL(file), 'utf8')).join('')).toContain('\n// trainers/data/views.ts\n');
});
