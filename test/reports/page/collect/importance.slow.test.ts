import { join } from 'node:path';
import { expect, it } from 'vitest';
import { collectImportance } from '../../../../reports/page/collect/importance.js';
import { factsOf } from '../../../../reports/read-model/run.js';
import { Store } from '../../../../store/index.js';
import { storedRun } from '../../../cli/stored-run.js';
import { temporaryFolder } from '../../../support/temporary.js';

it('parameter importance is computed from a sample of 2,000 trials', async () => {
  const workdir = temporaryFolder();
  await storedRun(workdir, 2100);
  using store = Store.open(join(workdir, 'nas.sqlite'), { readonly: true });
  const { trials, objectives } = await collectImportance(store, factsOf(store));
  expect(trials).toBe(2000);
  const [accuracy, latency] = objectives ?? [];
  expect(latency.fit).toBeGreaterThan(0.8);
  expect(latency.decisions[0]).toMatchObject({ decision: 'width' });
  expect(accuracy.fit).toBeLessThan(latency.fit);
});
