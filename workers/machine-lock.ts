import { mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describeHolder, isLocked, shareLock, takeLock, waitForLock, type Lock } from '../base/lock.js';
import { every } from './registry.js';

/**
 * The exclusive lock of this machine, under which latencies are measured. It consists of two files that the operating system
 * locks, so it ends with its process:
 *
 *     request   held by the process that measures, or is about to
 *     work      shared by workers while their jobs run; a worker that sees a request pauses its jobs and gives its share back
 */
const machineFolder = join(tmpdir(), `nas-machine-${userInfo().uid}`);

/** Between two checks of a lock, in ms. */
const interval = 200;

function fileOf(name: 'request' | 'work', directory: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return join(directory, name);
}

export interface MachineLockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Folder of the lock files; default: one for each user of the machine. */
  readonly directory?: string;
  /** Called while the request is held, before the work is waited for. */
  readonly onRequest?: () => void;
  /** Called while the request is still held, after the work is released. */
  readonly onRelease?: () => void;
}

/**
 * Runs a task while the jobs of all workers of this machine are paused; one such task at a time.
 * @throws the signal's reason when it is aborted before the task begins; errors of the task
 */
export async function withMachineLock<T>(
  task: () => Promise<T>,
  { signal, directory = machineFolder, onRequest, onRelease }: MachineLockOptions = {},
): Promise<T> {
  signal?.throwIfAborted();
  const request = await waitForLock(fileOf('request', directory), { signal });
  let work: Lock | null = null;
  try {
    onRequest?.();
    while ((work = takeLock(fileOf('work', directory))) === null) await setTimeout(interval, undefined, { signal });
    return await task();
  } finally {
    work?.release();
    onRelease?.();
    request.release();
  }
}

export interface PausableWorker {
  /** Pauses all jobs; resolves when none of them runs. @returns resumes them */
  standStill(): Promise<() => void>;
  /** `holder` has changed. */
  onChange(): void;
}

/** Pauses a worker while another process of its machine measures. */
export class MachineWatch {
  private share: Lock | null = null;
  private pause: { readonly holder: string; readonly standing: Promise<() => void> } | null = null;
  /** Whether this worker measures itself. */
  private isOwn = false;
  private checks: { stop(): void } | undefined;

  private constructor(
    private readonly worker: PausableWorker,
    private readonly directory: string,
  ) {}

  /** Resolves once the worker may run jobs, or is paused. */
  static async start(worker: PausableWorker, directory = machineFolder): Promise<MachineWatch> {
    const watch = new MachineWatch(worker, directory);
    await watch.check();
    watch.checks = every(interval, () => watch.check());
    return watch;
  }

  /** The process for whose measurement the worker is paused; null: it is not. */
  get holder(): string | null {
    return this.pause?.holder ?? null;
  }

  /** Runs a task under the machine's lock. Pausing the worker's own jobs is up to the task. */
  alone<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const onRequest = (): void => {
      this.isOwn = true;
      this.resume();
      this.giveBack();
    };
    const onRelease = (): void => {
      if (this.checks !== undefined) this.share = shareLock(fileOf('work', this.directory));
      this.isOwn = false;
    };
    return withMachineLock(task, { signal, directory: this.directory, onRequest, onRelease });
  }

  close(): void {
    this.checks?.stop();
    this.checks = undefined;
    this.giveBack();
    this.resume();
  }

  private async check(): Promise<void> {
    if (this.isOwn) return;
    const request = fileOf('request', this.directory);
    const isRequested = isLocked(request);
    if (!isRequested) this.share ??= shareLock(fileOf('work', this.directory));
    if (!isRequested && this.share !== null) {
      this.resume();
      return;
    }
    if (this.pause === null) {
      this.pause = { holder: describeHolder(request), standing: this.worker.standStill() };
      this.worker.onChange();
    }
    const { pause } = this;
    await pause.standing;
    if (this.pause === pause) this.giveBack();
  }

  private resume(): void {
    if (this.pause === null) return;
    void this.pause.standing.then((goOn) => goOn());
    this.pause = null;
    this.worker.onChange();
  }

  private giveBack(): void {
    this.share?.release();
    this.share = null;
  }
}
