import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Store } from '../../../store/index.js';
import { storedRun } from '../../cli/stored-run.js';
import { newEpoch } from '../../store/support.js';

/** A workdir with a picture of 4 x 3 pixels and six finished trials. The first has curves: two epochs of the search, one of a final training. */
export async function storedHistory(workdir: string): Promise<Store> {
  await storedRun(workdir, 6);
  const store = Store.open(join(workdir, 'nas.sqlite'));
  addCurves(store);
  writeFileSync(join(workdir, 'frontier.svg'), '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>');
  return store;
}

export function addCurves(store: Store): void {
  const about = { trainAccuracy: 0.25, learningRate: 0.125, seconds: 2 };
  store.curves.add({ stage: 'search', trial: 0 }, newEpoch(0, { ...about, validationAccuracy: 0.5 }));
  store.curves.add({ stage: 'search', trial: 0 }, newEpoch(1, { ...about, validationAccuracy: 0.6 }));
  store.curves.add({ stage: 'final', trial: 0 }, newEpoch(0, { ...about, validationAccuracy: 0.7 }));
  const final = { state: 'complete', accuracy: 0.7, testAccuracy: 0.65, epochs: 1, seconds: 2 } as const;
  store.finals.finish(0, final);
}
