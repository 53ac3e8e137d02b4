import { NasError } from '../../../base/errors.js';
import type { Artifacts } from '../artifacts/artifacts.js';
import { FilesUnreachable } from './transfers.js';

interface Open {
  readonly artifacts: Promise<Artifacts>;
  users: number;
  timer: NodeJS.Timeout | undefined;
}

/** The files of a run, as long as a job uses them. */
export interface OpenFiles {
  readonly artifacts: Artifacts;
  release(): void;
}

/** How long a run's connections are kept when no job uses them, in ms. */
const idleMs = 60_000;

/** The files of the runs that this worker works for, opened at their first job. */
export class RunFiles {
  private readonly runs = new Map<string, Open>();

  constructor(private readonly find: (run: string) => Promise<Artifacts>) {}

  /** @throws FilesUnreachable when they cannot be found for long; NasError `interrupted` when the signal is aborted. */
  async open(run: string, signal: AbortSignal): Promise<OpenFiles> {
    const entry = this.entry(run);
    entry.users++;
    clearTimeout(entry.timer);
    const release = (): void => {
      entry.users--;
      if (entry.users === 0) entry.timer = setTimeout(() => void this.forget(run, entry), idleMs).unref();
    };
    try {
      return { artifacts: await unlessAborted(entry.artifacts, signal), release };
    } catch (error) {
      release();
      throw error instanceof NasError && error.code === 'interrupted' ? error : new FilesUnreachable(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.runs].map(([run, entry]) => this.forget(run, entry)));
  }

  private entry(run: string): Open {
    const known = this.runs.get(run);
    if (known !== undefined) return known;
    const entry: Open = { artifacts: this.find(run), users: 0, timer: undefined };
    // Who waits for it hears of it; the next one tries again.
    entry.artifacts.catch(() => this.runs.delete(run));
    this.runs.set(run, entry);
    return entry;
  }

  private async forget(run: string, entry: Open): Promise<void> {
    clearTimeout(entry.timer);
    if (this.runs.get(run) === entry) this.runs.delete(run);
    await entry.artifacts.then(
      (open) => open.close(),
      () => undefined,
    );
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new NasError('interrupted', 'the job was cancelled'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
