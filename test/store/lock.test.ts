import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { builtModule } from '../../base/processes.js';
import { isWorkedIn, lockWorkdir, Store } from '../../store/index.js';
import { errorOf, meta } from './support.js';
import { temporaryFolder } from '../support/temporary.js';

const storeModule = builtModule('store/index.js').href;

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

  it('refuses a second process, names the first, and ends with it, even by kill -9; its run has died', async () => {
    const directory = temporaryFolder();
    const path = join(directory, 'nas.sqlite');
    const runner = `
      import { lockWorkdir, Store } from ${JSON.stringify(storeModule)};
      const lock = lockWorkdir(${JSON.stringify(directory)});
      // Named here, or it would be collected as garbage, and given back.
      setInterval(() => lock, 1000);
      Store.create(${JSON.stringify(path)}, ${JSON.stringify(meta)});
      process.stdout.write('running');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', runner], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    // The file is there before it holds a run.
    let output = '';
    while (!output.includes('running')) output += String((await once(child.stdout, 'data'))[0]);
    const state = () => {
      const store = Store.open(path, { readonly: true });
      onTestFinished(() => store.close());
      return store.run.state().status;
    };
    expect(state()).toBe('running');
    expect(isWorkedIn(directory)).toBe(true);
    const error = errorOf(() => lockWorkdir(directory));
    expect(error.code).toBe('in-use');
    expect(error.message).toContain(`process ${child.pid ?? 0} (since 20`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    lockWorkdir(directory).release();
    expect(state()).toBe('died');
    const store = Store.open(path);
    store.run.setStatus('interrupted');
    store.close();
    expect(state()).toBe('interrupted');
  });

  it('is looked at without being taken, also by its own process', () => {
    const directory = temporaryFolder();
    expect(isWorkedIn(directory)).toBe(false);
    const lock = lockWorkdir(directory);
    expect(isWorkedIn(directory)).toBe(true);
    lock.release();
    expect(isWorkedIn(directory)).toBe(false);
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
