import { evenly } from '../../../base/statistics.js';
import type { Environment } from '../../../latency-models/index.js';
import type { Objective } from '../../../search/index.js';
import type { Store } from '../../../store/index.js';
import { collectProvenance, collectSupernet, flatten } from '../../read-model/provenance.js';
import { RunEvidence } from '../../read-model/evidence.js';
import { listedFrontier } from '../../read-model/run.js';
import { collectPrecisions } from '../../read-model/statistics.js';
import { deviceText, measureTexts } from '../../read-model/text.js';
import { collectWorkers } from '../../read-model/workers.js';
import type { ReadableRun, RunAnswer, RunId } from '../api.js';
import { collectLog } from './changes.js';
import type { Member, RunCache } from './run-cache.js';

const sketchPoints = 60;

function sketchOf(members: readonly Member[], objectives: readonly Objective[]): ReadableRun['sketch'] {
  if (objectives.length < 2) return [];
  const [first, second] = objectives;
  return evenly(members, sketchPoints).map(({ values }) => [values[second.name], values[first.name]] as const);
}

/** Entry of the list of runs. @param now ms since 1970 */
export function collectEntry(store: Store, id: RunId, cache: RunCache, now: number): ReadableRun {
  return store.reading(() => {
    cache.update(store);
    const { objectives } = cache.facts;
    const members = cache.frontier;
    const listed = listedFrontier(members, objectives);
    const { best } = listed;
    const finals = store.finals
      .all()
      .filter(({ trial, precision }) => members.some((one) => one.number === trial && one.precision === precision))
      .flatMap(({ accuracy }) => accuracy ?? []);
    const doubtOf = (name: string): string | undefined =>
      members.find(({ values }) => values[name] === best[name])?.certainty?.[name]?.unreliable;
    return {
      id,
      ...cache.summary(store, now),
      objectives,
      measures: measureTexts(objectives.map(({ name }) => name)),
      ...listed,
      unreliable: Object.keys(best).filter((name) => doubtOf(name) !== undefined),
      bestFinal: finals.length === 0 ? null : Math.max(...finals),
      sketch: sketchOf(members, objectives),
    };
  });
}

interface RunPlace {
  readonly id: RunId;
  readonly workdir: string;
}

/** Device of the latest measurement, as text; null without one. */
function deviceOf(store: Store): string | null {
  const latest = store.measurements.latest();
  // Written by the runner from a Measurement.
  return latest === undefined ? null : deviceText(latest.environment as Environment);
}

/** @param now ms since 1970 */
export async function collectRunAnswer(
  store: Store,
  { id, workdir }: RunPlace,
  cache: RunCache,
  now: number,
): Promise<RunAnswer> {
  const { stringify } = await import('yaml');
  return store.reading(() => {
    cache.update(store);
    const { experiment, objectives, record } = cache.facts;
    const workers = collectWorkers(store);
    const [first] = store.trials.range(0, 1);
    return {
      id,
      workdir,
      ...cache.summary(store, now),
      objectives,
      measures: measureTexts([...objectives.map(({ name }) => name), ...store.overview.measures()]),
      decisions: Object.keys((first as typeof first | undefined)?.choices ?? {}),
      precisions: store.variants.any() ? (collectPrecisions(store) ?? null) : null,
      supernet: collectSupernet(store, experiment),
      environment: Object.fromEntries(flatten(record.environment)),
      provenance: collectProvenance(store, experiment, workers),
      ...(workers && { workers }),
      device: deviceOf(store),
      latencies: new RunEvidence(store).latency.warning(workdir, cache.frontier),
      settings: stringify(experiment),
      source: record.source,
      notes: cache.notes(store),
      log: collectLog(store),
    };
  });
}
