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

const hooks = join(folder, 'hooks.mjs');
writeFileSync(
  hooks,
  `export async function load(url, context, next) {
    if (url.includes('/@tensorflow/')) process._rawDebug('loaded ' + url);
    return next(url, context);
  }`,
);
const register = `data:text/javascript,import{register}from'node:module';register('${pathToFileURL(hooks).href}')`;

/** Modules of TF.js that a Node.js process loads. */
function loaded(...args: readonly string[]): string[] {
  const script = `${JSON.stringify(process.execPath)} "$@" 2>&1 >/dev/null`;
  const texts = execFileSync('sh', ['-c', script, 'sh', '--import', register, ...args], { encoding: 'utf8' });
  return texts.split('\n').filter((line) => line.startsWith('loaded '));
}

const importing = (module: string): string => `await import('${builtModule(module, import.meta.url).href}')`;

describe('TF.js is loaded', () => {
  it('by spaces/models, not by spaces', () => {
    const mark = "process._rawDebug('loaded spaces')";
    const script = [importing('../../spaces/index.js'), mark, importing('../../spaces/models/index.js')].join(';');
    const [first, ...others] = loaded('--input-type=module', '-e', script);
    expect(first).toBe('loaded spaces');
    expect(others).not.toEqual([]);
  });

  it('by no command that lists or describes', async () => {
    await storedRun(folder, 3);
    for (const args of [['--help'], ['space', 'fbnet'], ['pareto', folder]])
      expect([args[0], loaded(main, ...args)]).toEqual([args[0], []]);
  });
});
