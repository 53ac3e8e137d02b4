import { fork } from 'node:child_process';
import PQueue from 'p-queue';
import { z } from 'zod';
import { builtModule } from '../../../base/processes.js';
import type { Protocol } from '../../device.js';
import type { DeviceConfig } from '../../schema.js';
import type { Journal, Uploads } from './storage.js';
import { contentOf, stateSchema, type MeasurementRequest, type MeasurementState } from './wire.js';

/** Measurements that may wait. */
const longest = 100;

/** Why a request is not taken. */
type Refusal = 'conflict' | 'full' | { readonly missing: readonly string[] };

/** One measurement at a time, the others in a queue; none is run twice for one request. */
export class AgentQueue {
  private readonly queue = new PQueue({ concurrency: 1 });
  private readonly cancels = new Map<string, AbortController>();
  private readonly waiting = new Map<string, MeasurementRequest>();

  constructor(
    private readonly device: DeviceConfig,
    private readonly journal: Journal,
    private readonly uploads: Uploads,
    private readonly silenceMs: number,
  ) {}

  /** Takes a request, or finds that it was taken before. */
  request(request: MeasurementRequest): MeasurementState | Refusal {
    const { id, models, again } = request;
    const content = contentOf(request);
    const known = this.journal.get(id);
    if (known !== undefined && known.content !== content) return 'conflict';
    if (known !== undefined && !(again && known.state.state === 'lost')) return this.state(id) ?? known.state;
    const missing = models.filter((sha256) => !this.uploads.has(sha256));
    if (missing.length > 0) return { missing };
    if (this.waiting.size >= longest) return 'full';
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

  /** Ends a measurement for which nobody waits. */
  cancel(id: string): void {
    this.cancels.get(id)?.abort();
  }

  /** Ends what runs, and waits until it has ended. */
  async close(): Promise<void> {
    this.queue.clear();
    for (const cancel of this.cancels.values()) cancel.abort();
    await this.queue.onIdle();
  }

  private async run({ id, models, protocol }: MeasurementRequest, content: string, signal: AbortSignal): Promise<void> {
    const set = (state: MeasurementState): void => this.journal.set({ id, content, state });
    set({ state: 'running', done: 0, total: 1 });
    const task = { device: this.device, models: models.map((sha256) => this.uploads.file(sha256)), protocol };
    const result = await measureInProcess(task, signal, this.silenceMs, set);
    // Cancelled is not failed: who asks again gets a measurement.
    set(signal.aborted && result.state !== 'done' ? { state: 'lost' } : result);
    this.waiting.delete(id);
    this.cancels.delete(id);
    this.uploads.release(models);
  }
}

/** What the measuring process gets. */
export interface MeasuringTask {
  readonly device: DeviceConfig;
  /** Files of the models. */
  readonly models: readonly string[];
  readonly protocol: Protocol;
}

/** What the end of a process says when there is nothing else. */
const failed = (message: string): MeasurementState => ({ state: 'failed', code: 'failure', message });

/**
 * Measures in a process of its own, so that serving requests does not disturb the timing and a model that ends the
 * process does not end the agent.
 * @param silenceMs after so long without any progress the process counts as hung, and is ended.
 * @param onState told of progress.
 * @returns the result, also when the process cannot be started, dies or hangs; it never rejects.
 */
function measureInProcess(
  task: MeasuringTask,
  signal: AbortSignal,
  silenceMs: number,
  onState: (state: MeasurementState) => void,
): Promise<MeasurementState> {
  const child = fork(builtModule('./measuring-main.js', import.meta.url), {
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
