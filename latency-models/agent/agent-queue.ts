import { fork } from 'node:child_process';
import PQueue from 'p-queue';
import { z } from 'zod';
import { builtModule } from '../../base/processes.js';
import type { Protocol } from '../device.js';
import type { DeviceConfig } from '../schema.js';
import type { Journal, Uploads } from './storage.js';
import { contentOf, stateSchema, type MeasurementRequest, type MeasurementState } from '../devices/agent/wire.js';

/** Most waiting measurements. */
const maxWaiting = 100;

/** The reason for rejecting a request. */
type Refusal = 'conflict' | 'full' | 'large' | { readonly missing: readonly string[] };

/** Runs one measurement at a time. A request is measured once; one that failed or was lost may be repeated. */
export class AgentQueue {
  private readonly queue = new PQueue({ concurrency: 1 });
  private readonly cancels = new Map<string, AbortController>();
  private readonly waiting = new Map<string, MeasurementRequest>();

  constructor(
    private readonly device: DeviceConfig,
    private readonly journal: Journal,
    private readonly uploads: Uploads,
    private readonly limits: { readonly silenceMs: number; readonly maxBytes: number },
  ) {}

  /**
   * Queues a request, or returns the state of an earlier one with the same id. A failed one is measured again: a measuring
   * process that hung or was killed says nothing about the next one.
   */
  request(request: MeasurementRequest): MeasurementState | Refusal {
    const { id, models, again } = request;
    const content = contentOf(request);
    const known = this.journal.get(id);
    if (known !== undefined && known.content !== content) return 'conflict';
    const repeats = known?.state.state === 'failed' || (again && known?.state.state === 'lost');
    if (known !== undefined && !repeats) return this.state(id) ?? known.state;
    const missing = models.filter((sha256) => !this.uploads.has(sha256));
    if (missing.length > 0) return { missing };
    if (this.uploads.bytesOf(models) > this.limits.maxBytes) return 'large';
    if (this.waiting.size >= maxWaiting) return 'full';
    this.uploads.use(models);
    this.journal.set({ id, content, state: { state: 'queued', ahead: this.waiting.size, done: 0 } });
    this.waiting.set(id, request);
    const cancel = new AbortController();
    this.cancels.set(id, cancel);
    void this.queue.add(() => this.run(request, content, cancel.signal));
    return this.state(id) ?? { state: 'lost' };
  }

  state(id: string): MeasurementState | undefined {
    const state = this.journal.get(id)?.state;
    if (state?.state !== 'queued') return state;
    const ids = [...this.waiting.keys()];
    const first = this.journal.get(ids[0])?.state;
    return { state: 'queued', ahead: ids.indexOf(id), done: first?.state === 'running' ? first.done : 0 };
  }

  cancel(id: string): void {
    this.cancels.get(id)?.abort();
  }

  /** Cancels all measurements, and waits until the running one has ended. */
  async close(): Promise<void> {
    this.queue.clear();
    for (const cancel of this.cancels.values()) cancel.abort();
    await this.queue.onIdle();
  }

  private async run({ id, models, protocol }: MeasurementRequest, content: string, signal: AbortSignal): Promise<void> {
    const set = (state: MeasurementState): void => this.journal.set({ id, content, state });
    set({ state: 'running', done: 0, total: 1 });
    const task = { device: this.device, models: models.map((sha256) => this.uploads.file(sha256)), protocol };
    const result = await measureInProcess(task, signal, this.limits.silenceMs, set);
    // A cancelled measurement is not failed: a new request measures again.
    set(signal.aborted && result.state !== 'done' ? { state: 'lost' } : result);
    this.waiting.delete(id);
    this.cancels.delete(id);
    this.uploads.release(models);
  }
}

/** The message to the measuring process. */
export interface MeasuringTask {
  readonly device: DeviceConfig;
  /** Files of the models. */
  readonly models: readonly string[];
  readonly protocol: Protocol;
}

const failed = (message: string): MeasurementState => ({ state: 'failed', code: 'failure', message });

/**
 * Measures in a child process, so that requests do not disturb the timing and a crash does not end the agent.
 * @param silenceMs the process is killed as hung after this long without progress.
 * @param onState called with progress.
 * @returns the result, also when the process cannot start, dies or hangs; never rejects.
 */
function measureInProcess(
  task: MeasuringTask,
  signal: AbortSignal,
  silenceMs: number,
  onState: (state: MeasurementState) => void,
): Promise<MeasurementState> {
  const child = fork(builtModule('latency-models/agent/measuring-main.js'), {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let result: MeasurementState | undefined;
  let lastWords = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (lastWords = (lastWords + text).slice(-1000)));
  const stop = (): void => void child.kill('SIGKILL');
  const hung = (): void => {
    result = failed(`the measurement made no progress for ${silenceMs / 1000} s and was ended`);
    stop();
  };
  let watch = setTimeout(hung, silenceMs);
  child.on('message', (message) => {
    clearTimeout(watch);
    watch = setTimeout(hung, silenceMs);
    const parsed = stateSchema.safeParse(message);
    if (!parsed.success) result = failed(z.prettifyError(parsed.error));
    else if (parsed.data.state === 'running') onState(parsed.data);
    else result = parsed.data;
  });
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  child.send(task, (error) => {
    if (error !== null) stop();
  });
  return new Promise((resolve) => {
    const end = (state: MeasurementState): void => {
      clearTimeout(watch);
      signal.removeEventListener('abort', stop);
      resolve(result ?? state);
    };
    child.once('error', (error) => end(failed(`the measurement could not be started: ${error.message}`)));
    child.once('exit', (code, ended) => {
      const how = signal.aborted ? 'was cancelled' : `ended with ${ended ?? `exit code ${String(code)}`}`;
      const said = signal.aborted || lastWords.trim() === '' ? '' : `: ${lastWords.trim()}`;
      end(failed(`the measurement ${how}${said}`));
    });
  });
}
