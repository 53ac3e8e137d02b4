import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../base/errors.js';
import { canonicalJson } from '../../../base/hash.js';
import { Random } from '../../../base/random.js';
import { parseExperiment, type LoadedExperiment } from '../../../experiments/parse/index.js';
import { requirementsOf } from '../../../workers/coordinator/open-runner.js';
import { queueAddress } from '../../../workers/connection.js';
import { runExperiment } from '../../../runner/index.js';
import { type RunEvent } from '../../../runner/events.js';
import type { JobOrder } from '../../../runner/jobs/job-runner.js';
import { Study } from '../../../runner/study.js';
import { isComputed } from '../../../experiments/schema/measures.js';
import { isStudy, isTableExperiment, isTrainingExperiment } from '../../../experiments/schema/run-experiment.js';
import { costs, createSpace, type SpaceConfig, type Task } from '../../../spaces/index.js';
import { describeDataset, prepareDataset } from '../../../trainers/index.js';
import type { Store } from '../../../store/index.js';
import { reading } from '../../runner/experiment.js';
import { SimulatedRunner } from './simulated.js';

const jobKinds = [
  'teacher',
  'initial',
  'train',
  'supernet',
  'member',
  'measure',
  'evaluate',
  'export',
  'quantize',
] as const;

/** The parts of a run in which a key may show. */
export type Part =
  | (typeof jobKinds)[number]
  /** Decisions of the space, and some of its networks. */
  | 'space'
  /** Images, classes, splits and statistics. */
  | 'data'
  /** Genotypes, seeds and reasons of the trials. */
  | 'asked'
  /** Trials that were pending when each trial was asked. */
  | 'pending'
  /** Partial trainings that continue. */
  | 'steps'
  | 'predicted'
  | 'outcomes'
  | 'finals'
  /** Members of the frontier, as it grew. */
  | 'frontier'
  /** Number of workers, and retries. */
  | 'pool'
  /** Address and requirements of a queue. */
  | 'workers'
  /** When each trial ended, by the simulated clock. */
  | 'times'
  | 'notes'
  | 'warnings'
  /** The experiment with all defaults. */
  | 'resolved'
  /** Why the run does not begin. */
  | 'refused';

/** What a run shows of its experiment, by part; or why it did not begin. */
export type Effects = Readonly<Partial<Record<Part, string>>>;

const plain = (value: unknown, workdir = ''): string =>
  canonicalJson(value ?? null)
    .replaceAll(workdir || '\0', '<workdir>')
    .replaceAll(/"created":"[^"]*"/g, '');

const textOf = (written: object, folder: string): LoadedExperiment =>
  parseExperiment(join(folder, 'experiment.yaml'), JSON.stringify(written));

/** Parts that need no run. */
const alone = {
  space: spaceOf,
  data: dataOf,
  workers: workersOf,
  resolved: ({ experiment }: LoadedExperiment) => experiment,
} as const;
type Alone = keyof typeof alone;

export const isAlone = (part: Part): part is Alone => Object.hasOwn(alone, part);

/** The part alone where it needs no run, else the parts of a whole run with simulated jobs. */
export async function effectsOf(written: object, part: Part, folder: string): Promise<Effects> {
  try {
    const loaded = textOf(written, folder);
    if (isAlone(part)) return { [part]: plain(await alone[part](loaded)) };
    return isStudy(loaded.experiment) ? await ofStudy(loaded, folder) : await ofRun(loaded, folder);
  } catch (error) {
    return { refused: messageOf(error) };
  }
}

/** What was found of a part of an experiment: most rows share theirs with others. */
const found = new Map<string, Promise<unknown>>();

function once(of: unknown, find: () => Promise<unknown>): Promise<unknown> {
  const key = canonicalJson(of);
  const before = found.get(key) ?? find();
  found.set(key, before);
  return before;
}

function spaceOf({ experiment }: LoadedExperiment): Promise<unknown> {
  if (isTableExperiment(experiment)) throw new Error('a table has no networks');
  const { input, classes } = isStudy(experiment) ? experiment.evaluate : { input: [32, 32, 1] as const, classes: 10 };
  const isOfBoxes = isTrainingExperiment(experiment) && experiment.data.type === 'boxes';
  const task = { input, classes, ...(isOfBoxes && { maps: 'detection' as const }) };
  return once([experiment.space, task], () => networksOf(experiment.space, task));
}

async function networksOf(config: SpaceConfig, task: Task) {
  const space = await createSpace(config, task);
  const random = new Random(0, 'networks');
  const networks = Array.from({ length: 8 }, () =>
    space.build(space.canonical(space.decisions.map(({ choices }) => random.int(choices.length)))),
  );
  return { decisions: space.decisions, networks, costs: networks.map((network) => costs(network)) };
}

function dataOf({ experiment }: LoadedExperiment): Promise<unknown> {
  if (!isTrainingExperiment(experiment)) throw new Error('it has no data');
  return once(experiment.data, async () => {
    const dataset = await prepareDataset(experiment.data);
    return { ...describeDataset(dataset), unlabelled: dataset.unlabelled ?? null };
  });
}

function workersOf({ experiment }: LoadedExperiment) {
  if (!isTrainingExperiment(experiment) || experiment.workers.type === 'pool') return null;
  const { artifacts, mixed } = experiment.workers;
  const { tag } = requirementsOf(experiment.workers, false);
  return { ...queueAddress(experiment.workers, {}), tag, artifacts, mixed };
}

/** The orders of one kind, without what differs between two runs of one experiment. */
const ordersOf = (orders: readonly JobOrder[], kind: string) =>
  orders
    .filter(({ job }) => job.kind === kind)
    .map(({ job, sharing }) => ({ ...job, ...('id' in job && { id: null }), sharing }));

const trialsOf = ({ trials, finals, events, run }: Store) => {
  const all = trials.all();
  const { createdAt } = run.get();
  return {
    asked: all.map(({ genotypeId, seed, reason }) => [genotypeId, seed, reason]),
    pending: all.map(({ pending }) => pending),
    predicted: all.map(({ number }) => (['fp32', 'int8'] as const).map((one) => trials.prediction(number, one))),
    times: all.map(({ finishedAt }) => (finishedAt === null ? null : finishedAt - createdAt)),
    steps: events
      .all()
      .filter(({ kind }) => kind === 'promoted')
      .map(({ trial, detail }) => [trial, detail]),
    outcomes: all.map(({ state, message, values, precision, variants }) => ({
      state,
      message,
      values,
      precision,
      variants,
    })),
    finals: finals
      .all()
      .map(({ trial, precision, accuracy, epochs, from }) => [trial, precision, accuracy, epochs, from]),
  };
};

async function ofRun(loaded: LoadedExperiment, folder: string): Promise<Effects> {
  const workdir = mkdtempSync(join(folder, 'run-'));
  const runner = new SimulatedRunner();
  const events: RunEvent[] = [];
  let pool: unknown = null;
  try {
    const workers = (options: unknown) => {
      pool = options;
      return runner;
    };
    await runExperiment(loaded, { workdir, workers, fresh: true }, (event) => events.push(event));
    const messages = (kind: 'note' | 'warning') =>
      events.flatMap((event) => (event.kind === kind ? [event.message] : []));
    const { times, ...trials } = reading(workdir, trialsOf);
    return Object.fromEntries(
      Object.entries({
        ...trials,
        ...(isTableExperiment(loaded.experiment) && { times }),
        pool,
        frontier: events.filter(({ kind }) => kind === 'frontier'),
        notes: messages('note'),
        warnings: messages('warning'),
        ...Object.fromEntries(jobKinds.map((kind) => [kind, ordersOf(runner.orders, kind)])),
      }).map(([part, value]) => [part, plain(value, workdir)]),
    );
  } finally {
    rmSync(workdir, { recursive: true, force: true });
  }
}

/** Asks and tells, until nothing is left to ask; values follow from the choices. */
async function ofStudy(loaded: LoadedExperiment, folder: string): Promise<Effects> {
  const workdir = mkdtempSync(join(folder, 'study-'));
  try {
    // An evaluation takes some time, or no hours would ever be over.
    let now = 0;
    const study = await Study.open(loaded, workdir, { fresh: true, clock: () => ++now });
    try {
      const names = loaded.experiment.objectives.map(({ name }) => name).filter((name) => !isComputed(name));
      for (let trial = await study.ask(); trial !== null; trial = await study.ask()) {
        const { number, choices, epochs } = trial;
        const random = new Random(0, canonicalJson(choices));
        await study.tell(number, Object.fromEntries(names.map((name) => [name, random.uniform() + 0.01 * epochs])));
      }
    } finally {
      study.close();
    }
    const { times: _, ...trials } = reading(workdir, trialsOf);
    return Object.fromEntries(Object.entries(trials).map(([part, value]) => [part, plain(value, workdir)]));
  } finally {
    rmSync(workdir, { recursive: true, force: true });
  }
}

/** The parts that differ. */
export const differing = (a: Effects, b: Effects): readonly string[] => {
  const parts = [...new Set([...Object.keys(a), ...Object.keys(b)])] as (keyof Effects)[];
  return parts.filter((part) => a[part] !== b[part]);
};
