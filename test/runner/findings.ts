import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findings as found } from '../../runner/stored/findings.js';
import { Store } from '../../store/index.js';

/** What a run found, and the path on which it did. */
export function findings(workdir: string) {
  using store = Store.open(join(workdir, 'nas.sqlite'), { readonly: true });
  return {
    ...found(store, workdir),
    status: store.run.status().status,
    steps: store.events
      .all()
      .filter(({ kind }) => kind === 'asked' || kind === 'promoted')
      .map(({ kind, trial, detail }) => ({ kind, trial, detail })),
    // With the values that were measured: a resumed run keeps them.
    values: store.trials.all().map(({ values, variants }) => ({ values, variants })),
    models: store.artifacts
      .all()
      .filter(({ kind }) => kind.startsWith('onnx'))
      .map(({ path }) => ({ path, exists: existsSync(join(workdir, path)) })),
  };
}
