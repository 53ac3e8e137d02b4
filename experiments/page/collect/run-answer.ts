import type { Objective, Values } from '../../../search/index.js';
import type { Store } from '../../../store/index.js';
import type { MeasureText, ReadableRun, RunAnswer, RunId } from '../api.js';
import { measureText } from '../../report/text.js';
import type { Member, RunMemory } from './run-memory.js';
import { collectPrecisions } from '../../report/statistics.js';
import { collectProvenance, collectSupernet, flatten } from '../../report/provenance.js';
import { collectShrunk } from '../../report/shrunk.js';
import { collectWorkers } from '../../report/workers.js';
import { collectLog } from './changes.js';

/** Points of a small picture. */
const sketched = 60;

/** So many of a list at most, evenly chosen, with the first and the last. */
export function evenly<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]);
}

/** How values of these names are called and written. */
export const measuresOf = (names: Iterable<string>): Record<string, MeasureText> =>
  Object.fromEntries([...new Set(names)].map((name) => [name, measureText(name)]));

function bestOf(members: readonly Member[], objectives: readonly Objective[]): Values {
  if (members.length === 0) return {};
  return Object.fromEntries(
    objectives.map(({ name, direction }) => {
      const values = members.map((member) => member.values[name]);
      return [name, values.reduce((a, b) => (direction === 'maximize' ? Math.max(a, b) : Math.min(a, b)))];
    }),
  );
}

function sketchOf(members: readonly Member[], objectives: readonly Objective[]): ReadableRun['sketch'] {
  if (objectives.length < 2) return [];
  const [first, second] = objectives;
  return evenly(members, sketched).map(({ values }) => [values[second.name], values[first.name]] as const);
}

/** A run in a list of runs. @param now in ms since 1970. */
export function collectEntry(store: Store, id: RunId, memory: RunMemory, now: number): ReadableRun {
  return store.reading(() => {
    memory.catchUp(store);
    const { objectives } = memory.facts;
    const members = memory.frontier;
    return {
      id,
      ...memory.summary(store, now),
      objectives,
      measures: measuresOf(objectives.map(({ name }) => name)),
      frontier: members.length,
      best: bestOf(members, objectives),
      sketch: sketchOf(members, objectives),
    };
  });
}

/** Where a run lies: its id, and its workdir, absolute. */
interface RunPlace {
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
    const [first] = store.trials.range(0, 1);
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
