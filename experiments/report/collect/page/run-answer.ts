import type { Store } from '../../../../store/index.js';
import type { RunAnswer, RunId } from '../../../page/api.js';
import { collectPrecisions } from '../precisions.js';
import { collectProvenance, flatten } from '../provenance.js';
import { collectShrunk } from '../shrunk.js';
import { collectSupernet } from '../supernet.js';
import { collectWorkers } from '../workers.js';
import { measuresOf } from './entry.js';
import { collectLog } from './log.js';
import type { RunMemory } from './memory.js';

/** Where a run lies: its id, and its workdir, absolute. */
export interface RunPlace {
  readonly id: RunId;
  readonly workdir: string;
}

/** All of a run that does not grow with its trials. @param now in ms since 1970. */
export async function collectRunAnswer(
  store: Store,
  { id, workdir }: RunPlace,
  memory: RunMemory,
  now: number,
): Promise<RunAnswer> {
  const { stringify } = await import('yaml');
  const shrunk = await collectShrunk(store);
  return store.reading(() => {
    memory.catchUp(store);
    const { experiment, objectives, record } = memory.facts;
    const workers = collectWorkers(store);
    const [first] = store.pages.range(0, 1);
    return {
      id,
      workdir,
      ...memory.summary(store, now),
      objectives,
      measures: measuresOf([...objectives.map(({ name }) => name), ...store.overview.measures()]),
      decisions: Object.keys((first as typeof first | undefined)?.choices ?? {}),
      precisions: store.variants.any() ? (collectPrecisions(store) ?? null) : null,
      supernet: collectSupernet(store, experiment),
      shrunk,
      environment: Object.fromEntries(flatten(record.environment)),
      provenance: collectProvenance(store, experiment, workers),
      ...(workers && { workers }),
      settings: stringify(experiment),
      source: record.source,
      log: collectLog(store),
    };
  });
}
