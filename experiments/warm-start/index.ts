import { invalidInput } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import type { EnqueueConfig, Enqueued, Objective, SearchConfig } from '../../search/index.js';
import { genotypeId, type DecisionSpace } from '../../spaces/index.js';
import type { Locating } from '../parse/index.js';
import { fitChoices, unknownDecision } from './genotype-of.js';
import { referenceGenotype, type Networks } from './reference.js';
import { seedsOf } from './seeds.js';

export { storedEnqueued, storeEnqueued } from './stored.js';

export interface WarmStartInput {
  readonly search: Pick<SearchConfig, 'enqueue' | 'seed_from' | 'trials'>;
  readonly objectives: readonly Objective[];
  readonly seed: number;
  readonly space: DecisionSpace;
  /** The space's networks; null when it is a table. */
  readonly networks: Networks | null;
}

/** What is tried first, and what there is to say about it. */
export interface WarmStart {
  readonly enqueued: readonly Enqueued[];
  readonly notes: readonly string[];
}

type Entry = EnqueueConfig[number];
type NamedEntry = Extract<Entry, { readonly choices: object }>;

const isNamed = (entry: Exclude<Entry, string>): entry is NamedEntry => typeof entry['choices'] === 'object';

function enqueue(entry: Entry, i: number, { space, networks, seed }: WarmStartInput): Enqueued {
  if (typeof entry === 'string') return { name: entry, genotype: referenceGenotype(entry, space, networks) };
  const { name, choices } = isNamed(entry) ? entry : { name: `entry ${i + 1}`, choices: entry };
  const unknown = unknownDecision(space, Object.keys(choices));
  if (unknown !== undefined) throw invalidInput(unknown);
  const fit = fitChoices(space, new Map(Object.entries(choices)), new Random(seed, 'enqueue', i));
  if ('misfit' in fit) throw invalidInput(fit.misfit);
  return { name, genotype: fit.genotype };
}

function seeds(path: string, { space, objectives }: WarmStartInput): WarmStart {
  const found = seedsOf(path, objectives);
  const fits = found.map(({ name, choices }) => ({ name, fit: fitChoices(space, choices, null) }));
  const enqueued = fits.flatMap(({ name, fit }) => ('genotype' in fit ? [{ name, genotype: fit.genotype }] : []));
  const misfits = fits.flatMap(({ name, fit }) => ('misfit' in fit ? [`${name}, ${fit.misfit}`] : []));
  const rest =
    misfits.length === 0 ? '' : `; ${misfits.length} do not fit the space ${space.name} (the first: ${misfits[0]})`;
  return { enqueued, notes: [`${enqueued.length} of ${found.length} networks of ${path} are tried first${rest}`] };
}

/** Each network once, by the name that it has first. */
function once(enqueued: readonly Enqueued[]): Enqueued[] {
  const byId = new Map<string, Enqueued>();
  for (const one of enqueued) {
    const id = genotypeId(one.genotype);
    if (!byId.has(id)) byId.set(id, one);
  }
  return [...byId.values()];
}

/**
 * What `search.enqueue` and `search.seed_from` stand for in a space. Their results of old do not count: accuracies of
 * another training do not compare, so every network is evaluated anew.
 * @param locating says where in the file a mistake is.
 * @throws NasError `invalid-input` when an entry is no network of the space, or there is nothing to seed from.
 */
export async function warmStart(input: WarmStartInput, locating: Locating): Promise<WarmStart> {
  const { enqueue: entries = [], seed_from: path, trials } = input.search;
  const given: Enqueued[] = [];
  for (const [i, entry] of entries.entries())
    given.push(await locating(['search', 'enqueue', i], () => enqueue(entry, i, input)));
  const seeded =
    path === undefined
      ? { enqueued: [], notes: [] }
      : await locating(['search', 'seed_from'], () => seeds(path, input));
  const enqueued = once([...given, ...seeded.enqueued]);
  const tooMany =
    enqueued.length > trials
      ? [
          `${enqueued.length} networks are given and ${trials} trials: the last ${enqueued.length - trials} are left out`,
        ]
      : [];
  return { enqueued, notes: [...seeded.notes, ...tooMany] };
}
