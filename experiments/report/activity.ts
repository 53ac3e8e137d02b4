import { rungsOf } from '../../search/fidelity/create-scheduler.js';
import type { EventKind, EventRecord, Store, Training } from '../../store/index.js';
import type { MeasurementPurpose } from '../../store/measurements.js';
import type { WorkersConfig } from '../queue/schema.js';
import { workersIn } from '../stored/workers.js';
import type { Experiment } from '../schema/experiment.js';
import { isOwnSupernet, isTableExperiment } from '../schema/run-experiment.js';
import type { Activity } from '../page/api.js';

type Stage = Training['stage'];

/** What of an event's detail tells what is being done; written by the store and the runner. */
interface Detail {
  readonly stage?: Stage;
  readonly epoch?: number;
  readonly shrunk?: number;
  readonly purpose?: MeasurementPurpose;
  readonly status?: string;
  readonly host?: string;
  readonly workers?: WorkersConfig;
}

interface Begun {
  readonly training: Training;
  /** When this attempt began, or its last epoch ended. */
  readonly since: number;
  /** As `Activity` has it. */
  readonly host: string | null | undefined;
}

interface Streak {
  readonly purpose: MeasurementPurpose;
  readonly measured: number;
  readonly since: number;
}

/** Of whom an event of this stage tells. */
function trainingOf(stage: Stage, trial: number | null, shrunk: number | undefined): Training | undefined {
  switch (stage) {
    case 'teacher':
    case 'supernet':
      return { stage };
    case 'shrunk':
      return shrunk === undefined ? undefined : { stage, shrunk };
    case 'search':
    case 'final':
    case 'quantize-aware':
      return trial === null ? undefined : { stage, trial };
  }
}

const keyOf = ({ stage, trial, shrunk }: Training): string => `${stage} ${trial ?? shrunk ?? ''}`.trimEnd();

/** Epochs of a whole training, where the experiment tells them. */
function epochsOf(store: Store, experiment: Experiment, { stage, shrunk }: Training): number | null {
  if (isTableExperiment(experiment)) return null;
  const { train, final, teacher, supernet } = experiment;
  switch (stage) {
    case 'search':
      return train.epochs;
    case 'final':
      return final?.epochs ?? null;
    case 'quantize-aware':
      return (final ?? train).quantize_aware?.epochs ?? null;
    case 'teacher':
      return 'epochs' in teacher ? teacher.epochs : null;
    case 'supernet':
      return supernet !== undefined && isOwnSupernet(supernet) ? supernet.epochs : null;
    case 'shrunk':
      return store.shrunk.all().find(({ number }) => number === shrunk)?.epochs ?? null;
  }
}

/** What a run is doing, as its events tell one after another: what was begun and has not ended. */
export class AtWork {
  private readonly trainings = new Map<string, Begun>();
  private streak: Streak | null = null;
  /** Epochs after which a trial waits for others to be judged with it. */
  private readonly pauses: ReadonlySet<number>;
  private workers: WorkersConfig;

  constructor(private readonly experiment: Experiment) {
    this.workers = workersIn(experiment);
    const { search } = experiment;
    const epochs = isTableExperiment(experiment) ? 0 : experiment.train.epochs;
    this.pauses = new Set(epochs === 0 ? [] : rungsOf(search.fidelity, epochs).filter((rung) => rung < epochs));
  }

  private readonly takes: { readonly [K in EventKind]?: (event: EventRecord, detail: Detail) => void } = {
    asked: () => {
      this.streak = null;
      this.end('teacher', 'supernet');
    },
    started: ({ trial, at }, { stage = 'search' }) =>
      this.begin(trainingOf(stage, trial, undefined), at, this.workers.type === 'queue' ? null : undefined),
    taken: ({ trial, at }, { stage = 'search', shrunk, host }) =>
      this.begin(trainingOf(stage, trial, shrunk), at, host),
    epoch: ({ trial, at }, { stage = 'search', epoch = 0, shrunk }) => {
      const training = trainingOf(stage, trial, shrunk);
      if (stage === 'search' && this.pauses.has(epoch + 1)) this.end(keyOf({ stage, trial: trial ?? 0 }));
      else this.begin(training, at, this.hostOf(training));
    },
    finished: ({ trial }) => this.end(`search ${trial ?? ''}`),
    'final-finished': ({ trial }) => this.end(`final ${trial ?? ''}`, `quantize-aware ${trial ?? ''}`),
    'supernet-trained': () => this.end('supernet'),
    'shrink-finished': () => this.stop(),
    measured: ({ at }, { purpose = 'trial' }) => {
      const before = this.streak?.purpose === purpose ? this.streak : { measured: 0, since: at };
      this.streak = { purpose, measured: before.measured + 1, since: before.since };
    },
    resumed: (_, { workers = this.workers }) => {
      this.workers = workers;
      this.stop();
    },
    status: (_, { status }) => {
      if (status !== 'running') this.stop();
    },
  };

  /** Takes in what happened next. */
  take(event: EventRecord): void {
    // All events of these kinds have plain objects as details.
    this.takes[event.kind]?.(event, event.detail as Detail);
  }

  /** What is being done at this moment, by a run that is running. */
  now(store: Store): Activity[] {
    // Nothing trains meanwhile. Between a trial's question and its training there is one measurement, which is past.
    if (this.streak !== null && this.streak.purpose !== 'trial') return [{ kind: 'measuring', ...this.streak }];
    return [...this.trainings.values()].map(({ training, since, host }) => {
      const curve = store.curves.of(training);
      return {
        kind: 'training',
        training,
        since,
        epochs: curve.length,
        of: epochsOf(store, this.experiment, training),
        validationAccuracy: curve.at(-1)?.validationAccuracy ?? null,
        ...(host !== undefined && { host }),
      };
    });
  }

  /** Who has a training that goes on; nobody waits who has trained an epoch. */
  private hostOf(training: Training | undefined): string | undefined {
    return training === undefined ? undefined : (this.trainings.get(keyOf(training))?.host ?? undefined);
  }

  private begin(training: Training | undefined, since: number, host: string | null | undefined): void {
    this.streak = null;
    if (training === undefined) return;
    // Of a trial, one training follows the other.
    if (training.stage === 'quantize-aware') this.end(`final ${training.trial}`);
    this.trainings.set(keyOf(training), { training, since, host });
  }

  private end(...keys: readonly string[]): void {
    for (const key of keys) this.trainings.delete(key.trimEnd());
  }

  private stop(): void {
    this.trainings.clear();
    this.streak = null;
  }
}

/** Events before the last one that tell what is being done now. */
export const recentEvents = 2000;

/** What a run that is running does now, as its latest events tell. */
export function activitiesOf(store: Store, experiment: Experiment): Activity[] {
  const work = new AtWork(experiment);
  for (const event of store.events.all(store.events.latest() - recentEvents)) work.take(event);
  return work.now(store);
}
