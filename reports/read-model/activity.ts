import { rungsOf } from '../../search/fidelity/create-scheduler.js';
import type { EventKind, EventRecord, Store, Training } from '../../store/index.js';
import type { MeasurementPurpose } from '../../store/measurements.js';
import type { WorkersConfig } from '../../experiments/schema/workers.js';
import type { Experiment } from '../../experiments/schema/experiment.js';
import { epochsOf, isOwnSupernet, isTrainingExperiment } from '../../experiments/schema/run-experiment.js';
import { workersIn } from '../../runner/stored/workers.js';

/** Work in progress, derived from the run's events. */
export type Activity =
  | {
      readonly kind: 'training';
      readonly training: Training;
      /** Start of the attempt or end of its last epoch, ms since 1970. */
      readonly since: number;
      /** Finished epochs, and all epochs of the training where known. */
      readonly epochs: number;
      readonly of: number | null;
      readonly validationAccuracy: number | null;
      /** Machine of the worker; null: waiting for one. Absent when the run's own processes train. */
      readonly host?: string | null;
    }
  | {
      readonly kind: 'measuring';
      readonly purpose: MeasurementPurpose;
      readonly measured: number;
      readonly since: number;
    };

type Stage = Training['stage'];

/** Fields of event details that the tracker reads. */
interface Detail {
  readonly stage?: Stage;
  readonly epoch?: number;
  readonly purpose?: MeasurementPurpose;
  readonly status?: string;
  readonly host?: string;
  readonly workers?: WorkersConfig;
}

interface RunningTraining {
  readonly training: Training;
  /** Start of the attempt or end of its last epoch. */
  readonly since: number;
  /** As in `Activity`. */
  readonly host: string | null | undefined;
}

interface Streak {
  readonly purpose: MeasurementPurpose;
  readonly measured: number;
  readonly since: number;
}

function trainingOf(stage: Stage, trial: number | null): Training | undefined {
  switch (stage) {
    case 'teacher':
    case 'supernet':
      return { stage };
    case 'search':
    case 'final':
      return trial === null ? undefined : { stage, trial };
  }
}

const keyOf = ({ stage, trial }: Training): string => `${stage} ${trial ?? ''}`.trimEnd();

function epochsIn(experiment: Experiment, { stage }: Training): number | null {
  if (!isTrainingExperiment(experiment)) return epochsOf(experiment);
  const { final, teacher, supernet } = experiment;
  switch (stage) {
    case 'search':
      return epochsOf(experiment);
    case 'final':
      return final?.epochs ?? null;
    case 'teacher':
      return 'epochs' in teacher ? (teacher.epochs ?? null) : null;
    case 'supernet':
      return supernet !== undefined && isOwnSupernet(supernet) ? supernet.epochs : null;
  }
}

/** Derives the work in progress from a run's events. */
export class ActivityTracker {
  private readonly trainings = new Map<string, RunningTraining>();
  private streak: Streak | null = null;
  private stopped = false;
  /** Rungs: epochs after which a trial pauses until its peers are compared. */
  private readonly pauses: ReadonlySet<number>;
  private workers: WorkersConfig;

  constructor(private readonly experiment: Experiment) {
    this.workers = workersIn(experiment);
    const { search } = experiment;
    const epochs = epochsOf(experiment) ?? 0;
    this.pauses = new Set(epochs === 0 ? [] : rungsOf(search.fidelity, epochs).filter((rung) => rung < epochs));
  }

  private readonly handlers: { readonly [K in EventKind]?: (event: EventRecord, detail: Detail) => void } = {
    asked: () => {
      this.streak = null;
      this.end('teacher', 'supernet');
    },
    started: ({ trial, at }, { stage = 'search' }) =>
      this.begin(trainingOf(stage, trial), at, this.workers.type === 'queue' ? null : undefined),
    taken: ({ trial, at }, { stage = 'search', host }) => this.begin(trainingOf(stage, trial), at, host),
    epoch: ({ trial, at }, { stage = 'search', epoch = 0 }) => {
      const training = trainingOf(stage, trial);
      if (stage === 'search' && this.pauses.has(epoch + 1)) this.end(keyOf({ stage, trial: trial ?? 0 }));
      else this.begin(training, at, this.hostOf(training));
    },
    finished: ({ trial }) => this.end(`search ${trial ?? ''}`),
    'final-finished': ({ trial }) => this.end(`final ${trial ?? ''}`),
    'supernet-trained': () => this.end('supernet'),
    measured: ({ at }, { purpose = 'trial' }) => {
      // The frontier may be measured again after the run.
      if (this.stopped) return;
      const before = this.streak?.purpose === purpose ? this.streak : { measured: 0, since: at };
      this.streak = { purpose, measured: before.measured + 1, since: before.since };
    },
    resumed: (_, { workers = this.workers }) => {
      this.workers = workers;
      this.stop();
      this.stopped = false;
    },
    status: (_, { status }) => {
      if (status !== 'running') this.stop();
      this.stopped = status !== 'running';
    },
  };

  apply(event: EventRecord): void {
    // Details of these kinds are plain objects.
    this.handlers[event.kind]?.(event, event.detail as Detail);
  }

  /** Work in progress of a running run. */
  now(store: Store): Activity[] {
    // Nothing trains during measurements. The one measurement of a trial is over before its training starts.
    if (this.streak !== null && this.streak.purpose !== 'trial') return [{ kind: 'measuring', ...this.streak }];
    return [...this.trainings.values()].map(({ training, since, host }) => {
      const curve = store.curves.of(training);
      return {
        kind: 'training',
        training,
        since,
        epochs: curve.length,
        of: epochsIn(this.experiment, training),
        validationAccuracy: curve.at(-1)?.validationAccuracy ?? null,
        ...(host !== undefined && { host }),
      };
    });
  }

  /** The machine of a training that has finished an epoch, and so is not waiting. */
  private hostOf(training: Training | undefined): string | undefined {
    return training === undefined ? undefined : (this.trainings.get(keyOf(training))?.host ?? undefined);
  }

  private begin(training: Training | undefined, since: number, host: string | null | undefined): void {
    this.streak = null;
    if (training === undefined) return;
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

/** Number of latest events that determine the work in progress. */
export const recentEvents = 2000;

/** Work in progress of a running run, from its latest events. */
export function activitiesOf(store: Store, experiment: Experiment): Activity[] {
  const tracker = new ActivityTracker(experiment);
  for (const event of store.events.all(store.events.latest() - recentEvents)) tracker.apply(event);
  return tracker.now(store);
}
