import { statSync } from 'node:fs';
import { invalidInput } from '../base/errors.js';
import { Random } from '../base/random.js';
import { shellWord } from '../base/text.js';
import { choicesOf, createSpace, genotypeId, type Choice, type Decision, type DecisionSpace } from '../spaces/index.js';
import { Store } from '../store/index.js';
import { loadResults } from './models/table-results.js';
import type { Experiment } from '../experiments/schema/experiment.js';
import { isTableExperiment } from '../experiments/schema/run-experiment.js';
import { storedEnqueued, storeEnqueued } from './stored/experiment.js';
import { databasePath, hasRun } from './stored/workdir.js';
import { fitChoices } from './warm-start/choices.js';
import { unknownDecision } from './warm-start/index.js';
import { storedExperiment } from './stored-experiment.js';

/** An enqueued network. */
export interface EnqueuedNetwork {
  /** What reports call it. */
  readonly name: string;
  readonly choices: Readonly<Record<string, Choice>>;
  /** Whether the search has a trial left for it; otherwise it is tried when the run is resumed with more trials. */
  readonly planned: boolean;
}

/** Limits for servers, which other requests wait for, and which open runs that others made. */
export interface Caution {
  /** How long a locked database is waited for, in ms. */
  readonly patience: number;
}

/**
 * Has the run of a workdir try a network next, before the proposals of its controller; also while the run goes on, in
 * another process.
 * @param given the choice of each decision; the others are drawn at random.
 * @param caution the module of a space is not run
 * @throws NasError `invalid-input`, and stores nothing, when a name or a choice is not of the space, or the network was
 *   asked or enqueued before.
 */
export async function enqueueIn(
  workdir: string,
  given: Readonly<Record<string, Choice>>,
  name?: string,
  caution?: Caution,
): Promise<EnqueuedNetwork> {
  if (!hasRun(workdir)) throw invalidInput(`${workdir}: there is no run here`, { hint: 'nas run <yaml> starts one.' });
  using store = Store.open(databasePath(workdir), { closingPatience: 0, ...caution });
  const experiment = storedExperiment(store, workdir);
  const space = await spaceOf(experiment, store, workdir, caution);
  const unknown = unknownDecision(space, Object.keys(given));
  if (unknown !== undefined) throw invalidInput(unknown);
  return store.transaction(() => {
    const earlier = storedEnqueued(store);
    const random = new Random(experiment.seed, 'enqueued', earlier.length);
    const fit = fitChoices(space, new Map(Object.entries(given)), random);
    if ('misfit' in fit) throw invalidInput(fit.misfit);
    const { genotype } = fit;
    const id = genotypeId(genotype);
    const asked = store.trials.numberOf(id);
    if (asked !== undefined) throw invalidInput(`trial ${asked} of ${workdir} has this network already`);
    const same = earlier.find((one) => genotypeId(one.genotype) === id);
    if (same !== undefined) throw invalidInput(`the network is enqueued already, as ${same.name}`);
    const one = { name: name ?? `enqueued ${earlier.length + 1}`, genotype };
    storeEnqueued(store, [one]);
    const choices = choicesOf(space.decisions, genotype);
    const waiting = earlier.filter((other) => store.trials.numberOf(genotypeId(other.genotype)) === undefined);
    const planned = store.overview.count() + waiting.length < experiment.search.trials;
    return { name: one.name, choices, planned };
  });
}

/**
 * The decisions of a run's space.
 * @param caution the module of a space is not run
 * @throws NasError `invalid-input` as `enqueueIn`
 */
export async function decisionsOf(workdir: string, caution?: Caution): Promise<readonly Decision[]> {
  using store = Store.open(databasePath(workdir), { readonly: true, ...caution });
  const { decisions } = await spaceOf(storedExperiment(store, workdir), store, workdir, caution);
  return decisions.map(({ name, choices }) => ({ name, choices }));
}

async function spaceOf(
  experiment: Experiment,
  store: Store,
  workdir: string,
  caution: Caution | undefined,
): Promise<DecisionSpace> {
  if (caution !== undefined) checkHarmless(experiment, workdir);
  if (isTableExperiment(experiment)) return (await loadResults(experiment)).table.space;
  return createSpace(experiment.space, store.run.task());
}

/** The module or the table of a run that another user made may be any file. @throws NasError `invalid-input` */
function checkHarmless(experiment: Experiment, workdir: string): void {
  const hint = `nas enqueue ${shellWord(workdir)} enqueues a network.`;
  if (!isTableExperiment(experiment)) {
    if (experiment.space.type !== 'module') return;
    throw invalidInput(`${workdir}: its space is a module, which runs in commands only`, { hint });
  }
  const { file } = experiment.space;
  if (statSync(file, { throwIfNoEntry: false })?.isFile() === false)
    throw invalidInput(`${file} is not a regular file`, { hint });
}
