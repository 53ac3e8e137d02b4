import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { builtModule } from '../../base/processes.js';
import { main } from '../cli/nas.js';
import { storedRun } from '../cli/stored-run.js';
import { sharedFolder } from '../support/temporary.js';

const folder = sharedFolder();

/** Imported before a program: writes the modules of TF.js that are loaded at the end, all of which are CommonJS. */
const watcher = join(folder, 'watcher.mjs');
writeFileSync(
  watcher,
  `import { createRequire } from 'node:module';
  const { cache } = createRequire(import.meta.url);
  const loaded = () => Object.keys(cache).filter((file) => file.includes('/@tensorflow/'));
  process.on('exit', () => process._rawDebug('loaded ' + JSON.stringify(loaded())));`,
);

/** Modules of TF.js that a Node.js process has loaded at its end. */
function loaded(...args: readonly string[]): unknown {
  const script = `${JSON.stringify(process.execPath)} "$@" 2>&1 >/dev/null`;
  const text = execFileSync('sh', ['-c', script, 'sh', '--import', pathToFileURL(watcher).href, ...args], {
    encoding: 'utf8',
  });
  return JSON.parse(/^loaded (.*)$/m.exec(text)?.[1] ?? 'null');
}

const importing = (module: string): string => `await import('${builtModule(module).href}')`;

describe('TF.js is loaded', () => {
  it('by spaces/models, not by spaces', () => {
    const program = (...modules: string[]) => ['--input-type=module', '-e', modules.map(importing).join(';')];
    expect(loaded(...program('api/spaces.js'))).toEqual([]);
    expect(loaded(...program('spaces/models/index.js'))).not.toEqual([]);
  });

  it('by no command that lists or describes', async () => {
    await storedRun(folder, 3);
    for (const args of [['--help'], ['space', 'mobilenet'], ['pareto', folder]])
      expect([args[0], loaded(main, ...args)]).toEqual([args[0], []]);
  });
});
