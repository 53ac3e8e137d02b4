import PQueue from 'p-queue';
import type { DeviceConfig } from '../../schema.js';
import type { Journal } from './journal.js';
import { measureInProcess } from './measuring-process.js';
import type { Uploads } from './uploads.js';
import { contentOf, type MeasurementRequest, type MeasurementState } from './wire.js';

/** Measurements that may wait. */
const longest = 100;

/** Why a request is not taken. */
export type Refusal = 'conflict' | 'full' | { readonly missing: readonly string[] };

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
