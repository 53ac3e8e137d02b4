import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtModule } from '../../base/processes.js';
import { Store } from '../../store/index.js';
import { meta, newTrial } from './support.js';
import { temporaryFolder } from '../support/temporary.js';

const storeModule = builtModule('store/index.js').href;

/** Writes trials without end and prints each number once its transaction has returned. */
const writer = (path: string, first: number): string => `
  import { writeSync } from 'node:fs';
  import { Store } from ${JSON.stringify(storeModule)};
  const store = Store.open(${JSON.stringify(path)});
  for (let i = ${first}; ; i++) {
    store.transaction(() => {
      store.trials.ask({ ...${JSON.stringify(newTrial(0))}, number: i, genotypeId: String(i) });
      store.trials.start(i);
      store.trials.finish(i, { state: 'complete', values: { accuracy: { value: i / 7, provenance: 'measured' } } });
    });
    writeSync(1, i + '\\n');
  }`;

describe('kill -9', () => {
  it('loses nothing that was committed and leaves nothing half written, time after time', async () => {
    const path = join(temporaryFolder(), 'nas.sqlite');
    Store.create(path, meta).close();
    let next = 0;
    for (const patience of [1, 90, 400]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', writer(path, next)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let last = -1;
      for await (const line of createInterface({ input: child.stdout })) {
        last = Number(line);
        if (last === next + patience) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');
      expect(last).toBeGreaterThanOrEqual(next + patience);

      // First as `nas status` reads it, then as `nas resume` opens it.
      const reader = Store.open(path, { readonly: true });
      const seen = reader.trials.all();
      reader.close();
      const store = Store.open(path);
      const trials = store.trials.all();
      store.close();
      expect(seen).toEqual(trials);
      // The last transaction may have been committed without being reported.
      expect([last + 1, last + 2]).toContain(trials.length);
      trials.forEach((trial, i) => {
        expect(trial).toMatchObject({ number: i, state: 'complete', attempts: 1, observed: { accuracy: i / 7 } });
      });
      next = trials.length;
    }
  });
});
