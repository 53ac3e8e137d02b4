import type { PhaseName, ProgressEvent, RunEvent, TrialStepEvent } from '../../runner/events.js';
import { isAccuracy } from '../../experiments/schema/measures.js';

export interface ProgressState {
  readonly phase: PhaseName | null;
  readonly message: string;
  readonly progress: (ProgressEvent & { readonly etaSeconds: number | undefined }) | null;
  readonly workers: ReadonlyMap<number, TrialStepEvent>;
  /** Machine of each worker, where known. */
  readonly hosts: ReadonlyMap<number, string>;
  /** `best`: its best main score, by the name of the measure. */
  readonly frontier: {
    readonly members: number;
    readonly best: readonly [name: string, value: number] | undefined;
  } | null;
}

interface Since {
  readonly at: number;
  readonly done: number;
}

export class ProgressTracker {
  private phase: PhaseName | null = null;
  private message = '';
  private progress: ProgressState['progress'] = null;
  private frontier: ProgressState['frontier'] = null;
  private since: Since | undefined;
  private readonly workers = new Map<number, TrialStepEvent>();
  private readonly hosts = new Map<number, string>();

  /** @param clock in ms. */
  constructor(private readonly clock: () => number) {}

  get state(): ProgressState {
    const { phase, message, progress, workers, hosts, frontier } = this;
    return { phase, message, progress, workers, hosts, frontier };
  }

  apply(event: RunEvent): void {
    switch (event.kind) {
      case 'phase':
        this.phase = event.name;
        this.message = event.message;
        this.progress = null;
        this.since = undefined;
        this.workers.clear();
        break;
      case 'progress':
        this.since ??= { at: this.clock(), done: event.done };
        this.progress = { ...event, etaSeconds: event.etaSeconds ?? this.estimate(event) };
        break;
      case 'trial-started':
        // Another worker may have trained it before.
        this.removeWorkers(event.number, event.stage);
        if (event.host !== undefined) this.hosts.set(event.worker, event.host);
        break;
      case 'trial-step':
        this.workers.set(event.worker, event);
        break;
      case 'trial-paused':
        this.removeWorkers(event.number, 'search');
        break;
      case 'trial-finished':
        this.removeWorkers(event.number, event.stage);
        break;
      case 'frontier': {
        const found = event.members.flatMap(({ values }) =>
          Object.entries(values).filter(([name]) => isAccuracy(name)),
        );
        const best = found.sort(([, a], [, b]) => b - a).at(0);
        this.frontier = { members: event.members.length, best };
        break;
      }
      default:
    }
  }

  /** Removes the workers of a training that has ended or moved. */
  private removeWorkers(trial: number, of: TrialStepEvent['stage']): void {
    for (const [worker, { number, stage }] of this.workers)
      if (number === trial && stage === of) this.workers.delete(worker);
  }

  private estimate({ done, total }: ProgressEvent): number | undefined {
    if (this.since === undefined || done <= this.since.done) return undefined;
    const seconds = (this.clock() - this.since.at) / 1000;
    return (seconds / (done - this.since.done)) * (total - done);
  }
}
