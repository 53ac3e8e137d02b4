import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { builtModule } from '../../base/processes.js';
import { Store } from '../../store/index.js';
import { meta, newTrial } from './support.js';
import { temporaryFolder } from '../support/temporary.js';

const storeModule = builtModule('store/index.js').href;

/** A process that reads a run as a page does, and keeps it open for so many ms. */
async function reader(path: string, ms: number): Promise<() => Promise<void>> {
  const script = `
    import { Store } from ${JSON.stringify(storeModule)};
    const store = Store.open(${JSON.stringify(path)}, { readonly: true });
    console.log(store.trials.all().length);
    setTimeout(() => store.close(), ${ms});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  expect(line).toBe('1');
  return async () => {
    if (child.exitCode === null) await once(child, 'exit');
  };
}

function written(closingPatience?: number): { readonly store: Store; readonly path: string } {
  const path = join(temporaryFolder(), 'nas.sqlite');
  Store.create(path, meta).close();
  const store = Store.open(path, { ...(closingPatience !== undefined && { closingPatience }) });
  store.trials.ask(newTrial(0));
  return { store, path };
}

describe('a writer that closes', () => {
  it('leaves one file behind without other readers', () => {
    const { store, path } = written();
    expect(existsSync(`${path}-wal`)).toBe(true);
    store.close();
    expect(readdirSync(dirname(path))).toEqual(['nas.sqlite']);
  });

  it('waits for a short read by another process', async () => {
    const { store, path } = written(60_000);
    const ended = await reader(path, 50);
    store.close();
    await ended();
    expect(readdirSync(dirname(path))).toEqual(['nas.sqlite']);
  });

  it('does not wait long for one that stays, and loses nothing', async () => {
    const { store, path } = written();
    await reader(path, 60_000);
    const began = performance.now();
    store.close();
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(existsSync(`${path}-wal`)).toBe(true);
    const again = Store.open(path, { readonly: true });
    onTestFinished(() => again.close());
    expect(again.trials.get(0)).toMatchObject({ state: 'waiting' });
  });
});
