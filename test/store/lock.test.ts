import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtModule } from '../../base/built-module.js';
import { lockWorkdir } from '../../store/index.js';
import { errorOf, temporaryFolder } from './support.js';

const storeModule = builtModule('../../store/index.js', import.meta.url).href;

const holder = (directory: string): string => `
  import { lockWorkdir } from ${JSON.stringify(storeModule)};
  lockWorkdir(${JSON.stringify(directory)});
  process.stdout.write('locked');
  setInterval(() => undefined, 1000);`;

describe('the lock of a workdir', () => {
  it('is held once, in one process and again after its release', () => {
    const directory = join(temporaryFolder(), 'made/when/missing');
    const lock = lockWorkdir(directory, () => 0);
    const error = errorOf(() => lockWorkdir(directory));
    expect(error.exitCode).toBe(4);
    expect(error.message).toBe(`${directory}: process ${process.pid} (since 1970-01-01T00:00:00.000Z) is working here`);
    lock.release();
    lock.release();
    lockWorkdir(directory).release();
  });

  it('refuses a second process, names the first, and ends with it, even by kill -9', async () => {
    const directory = temporaryFolder();
    const child = spawn(process.execPath, ['--input-type=module', '-e', holder(directory)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const error = errorOf(() => lockWorkdir(directory));
    expect(error.code).toBe('in-use');
    expect(error.message).toContain(`process ${child.pid ?? 0} (since 20`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    lockWorkdir(directory).release();
  });

  it('leaves other folders alone and is not confused by a damaged note on its holder', () => {
    const directory = temporaryFolder();
    const lock = lockWorkdir(directory);
    lockWorkdir(temporaryFolder()).release();
    writeFileSync(join(directory, 'nas.lock.json'), '{');
    expect(errorOf(() => lockWorkdir(directory)).message).toContain('another process is working here');
    lock.release();
  });

  it('explains a folder that cannot be used', () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect(errorOf(() => lockWorkdir(join(file, 'run')))).toMatchObject({ exitCode: 2 });
    const directory = temporaryFolder();
    mkdirSync(join(directory, 'nas.lock'));
    expect(errorOf(() => lockWorkdir(directory))).toMatchObject({ exitCode: 2 });
  });
});
