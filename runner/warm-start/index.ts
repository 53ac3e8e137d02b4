import { invalidInput } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import type { EnqueueConfig, Enqueued, Objective, SearchConfig, TrialResult } from '../../search/index.js';
import {
  type DecisionSpace,
  type Genotype,
  genotypeId,
  nearestGenotype,
  presetNetworks,
  type Space,
  type Task,
} from '../../spaces/index.js';
import type { Locating } from '../../experiments/parse/index.js';
import { fitChoices } from './choices.js';
import { earlierTrials, type EarlierTrials } from './earlier.js';
import { seedsOf } from './seeds.js';
import { didYouMean } from '../../base/text.js';

export interface WarmStartInput {
  readonly search: Pick<SearchConfig, 'enqueue' | 'seed_from' | 'from' | 'trials'>;
  readonly objectives: readonly Objective[];
  readonly seed: number;
  readonly space: DecisionSpace;
  /** The space's networks; null when it is a table. */
  readonly networks: Networks | null;
  /** A run whose frontier is tried in place of `search.seed_from`, and what its networks are called after. */
  readonly earlier?: { readonly path: string; readonly name: string } | undefined;
}

/** Networks that are tried first, and notes about them. */
export interface WarmStart {
  readonly enqueued: readonly Enqueued[];
  /** The trials of each run of `search.from`. */
  readonly earlier: readonly (readonly TrialResult[])[];
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

function seeds(path: string, { space, objectives, earlier }: WarmStartInput): Omit<WarmStart, 'earlier'> {
  const found = seedsOf(path, objectives, earlier?.name);
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
 * The genotypes of `search.enqueue` and `search.seed_from` in a space, and the trials of `search.from`. Accuracies of another training do not compare, so
 * every network is evaluated anew.
 * @param locating adds the place in the file to an error.
 * @throws NasError `invalid-input` when an entry is no network of the space, or there is nothing to seed from.
 */
export async function warmStart(input: WarmStartInput, locating: Locating): Promise<WarmStart> {
  const { enqueue: entries = [], seed_from: seedFrom, from = [], trials } = input.search;
  const path = input.earlier?.path ?? seedFrom;
  const given: Enqueued[] = [];
  for (const [i, entry] of entries.entries())
    given.push(await locating(['search', 'enqueue', i], () => enqueue(entry, i, input)));
  const seeded =
    path === undefined
      ? { enqueued: [], notes: [] }
      : await locating(['search', 'seed_from'], () => seeds(path, input));
  const runs: EarlierTrials[] = [];
  for (const [i, workdir] of from.entries())
    runs.push(await locating(['search', 'from', i], () => earlierTrials(workdir, input.space, input.objectives)));
  const enqueued = once([...given, ...seeded.enqueued]);
  const tooMany =
    enqueued.length > trials
      ? [
          `${enqueued.length} networks are given and ${trials} trials: the last ${enqueued.length - trials} are left out`,
        ]
      : [];
  const notes = [...seeded.notes, ...runs.map(({ note }) => note), ...tooMany];
  return { enqueued, earlier: runs.map((run) => run.trials), notes };
}

/** The error message for the first name that is not a decision of the space; undefined when all are. */
export function unknownDecision(space: DecisionSpace, names: Iterable<string>): string | undefined {
  const decisions = space.decisions.map(({ name }) => name);
  for (const name of names) {
    if (decisions.includes(name)) continue;
    const known = decisions.length <= 12 ? `; it has ${decisions.join(', ')}` : '';
    return `the space ${space.name} has no decision '${name}'${didYouMean(name, decisions) || known}`;
  }
  return undefined;
}

/** A space whose genotypes are networks for a task; spaces of tables have none. */
export interface Networks {
  readonly space: Space;
  readonly task: Task;
}

type PresetName = keyof typeof presetNetworks;

const isPreset = (name: string): name is PresetName => Object.hasOwn(presetNetworks, name);

/**
 * The genotype of a reference network, or else the nearest to it: `mobilenet`, or `mobilenet-x0.5` at half its width.
 * @throws NasError `invalid-input` when there is no such reference, or the space has no networks.
 */
export function referenceGenotype(name: string, space: DecisionSpace, networks: Networks | null): Genotype {
  const parts = /^(.+?)(?:-x(\d*\.?\d+))?$/.exec(name);
  const preset = parts?.[1] ?? '';
  const width = Number(parts?.at(2) ?? 1);
  if (!isPreset(preset) || !(width > 0)) {
    throw invalidInput(
      `got "${name}"; expected one of ${Object.keys(presetNetworks).join(', ')}, with -x0.5 for half the width, or a map from decisions to choices`,
    );
  }
  if (networks === null)
    throw invalidInput(
      `got "${name}"; the space ${space.name} is a table without networks: expected the choices of a row`,
    );
  const network = presetNetworks[preset](networks.task, width);
  return networks.space.find?.(network) ?? nearestGenotype(networks.space, network);
}
