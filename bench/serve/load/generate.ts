import { Random } from '../../../base/random.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Connection } from './connection.js';
import { type LoadPlan, planSchema, requestBytes } from './plan.js';
import { type LoadReport, Tally } from './report.js';
import { startScript } from '../../queue/child.js';

/** Arrival times of a Poisson process in ms from its start, ascending, below `seconds`. Deterministic for a seed. */
function* poissonArrivals(perSecond: number, seconds: number, seed: number): Generator<number, void> {
  const random = new Random(seed, 'arrivals');
  const gap = (): number => (-Math.log(1 - random.uniform()) * 1000) / perSecond;
  for (let at = gap(); at < 1000 * seconds; at += gap()) yield at;
}

interface LoadOptions {
  /** Stops sending early. Pending requests are still awaited. */
  readonly stop?: AbortSignal;
  /** Time to wait for responses after the last request, in ms. */
  readonly patienceMs?: number;
}

/**
 * Puts a load on a server on this machine. Latency counts from the moment a request was due, even if no connection was idle,
 * so a slow server does not reduce the load.
 */
export const generateLoad = (plan: LoadPlan, options: LoadOptions = {}): Promise<LoadReport> =>
  new LoadGenerator(plan, { stop: new AbortController().signal, patienceMs: 5000, ...options }).run();

class LoadGenerator {
  private readonly tally: Tally;
  private readonly requests: readonly Buffer[];
  private readonly connections: readonly Connection[];
  private readonly idle: Connection[];
  /** Due times of requests without a connection, on the clock of `performance.now()`. */
  private readonly waiting: number[] = [];
  /** Due times of pending requests. */
  private readonly pending = new Map<Connection, number>();
  private sent = 0;
  private isOver = false;
  private onIdle: () => void = () => undefined;

  constructor(
    private readonly plan: LoadPlan,
    private readonly options: Required<LoadOptions>,
  ) {
    this.tally = new Tally(plan.budgetMs);
    this.requests = plan.requests.map(requestBytes);
    this.connections = Array.from({ length: plan.connections }, () => new Connection(plan.port));
    this.idle = [...this.connections];
  }

  async run(): Promise<LoadReport> {
    const began = performance.now();
    if (this.plan.pace.kind === 'open') await this.sendArrivals(this.plan.pace, began);
    else await this.sendBackToBack(began);
    this.isOver = true;
    const sending = performance.now() - began;
    await this.waitUntilIdle();
    const all = performance.now() - began;
    for (const due of [...this.pending.values(), ...this.waiting])
      this.tally.outcome('unanswered', performance.now() - due);
    for (const connection of this.connections) connection.destroy();
    return this.tally.report((this.plan.pace.kind === 'open' ? sending : all) / 1000);
  }

  /** Open load: sends requests at the Poisson arrival times. */
  private async sendArrivals({ perSecond, seed }: { perSecond: number; seed: number }, began: number): Promise<void> {
    for (const after of poissonArrivals(perSecond, this.plan.seconds, seed)) {
      await this.until(began + after);
      if (this.options.stop.aborted) break;
      if (this.idle.length > 0) this.tally.lag(performance.now() - (began + after));
      this.waiting.push(began + after);
      this.serve();
    }
    if (this.options.stop.aborted) this.waiting.length = 0;
  }

  /** Closed load: each connection sends the next request after a response. */
  private async sendBackToBack(began: number): Promise<void> {
    this.serve();
    await this.until(began + 1000 * this.plan.seconds);
  }

  private async until(moment: number): Promise<void> {
    const ms = moment - performance.now();
    if (ms > 0) await sleep(ms, undefined, { signal: this.options.stop }).catch(() => undefined);
  }

  /** Due time of the next request to send; undefined if there is none. */
  private nextDue(): number | undefined {
    if (this.plan.pace.kind === 'open') return this.waiting.shift();
    return this.isOver || this.options.stop.aborted ? undefined : performance.now();
  }

  /** Sends due requests on idle connections. */
  private serve(): void {
    for (;;) {
      const connection = this.idle.at(-1);
      const due = connection === undefined ? undefined : this.nextDue();
      if (connection === undefined || due === undefined) break;
      this.idle.pop();
      this.send(connection, due);
    }
    if (this.isOver && this.pending.size === 0 && this.waiting.length === 0) this.onIdle();
  }

  private send(connection: Connection, due: number): void {
    this.pending.set(connection, due);
    connection.send(this.requests[this.sent++ % this.requests.length], (outcome) => {
      this.tally.outcome(outcome, performance.now() - due);
      this.pending.delete(connection);
      this.idle.push(connection);
      this.serve();
    });
  }

  /** Waits until no request is pending, at most `patienceMs`. */
  private waitUntilIdle(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.options.patienceMs);
      this.onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
      this.serve();
    });
  }
}

/** Runs the load generator in a separate process, so that it does not share an event loop with the benchmark. */
export async function runLoad(plan: LoadPlan): Promise<LoadReport> {
  const child = startScript(import.meta.url, plan);
  // The process runs this file, so the report has this type.
  return (await child.output) as LoadReport;
}

// As a program, the file reads a plan (JSON) from its argument and prints the report as one line of JSON.
if (process.argv[1] === fileURLToPath(import.meta.url))
  process.stdout.write(`${JSON.stringify(await generateLoad(planSchema.parse(JSON.parse(process.argv[2]))))}\n`);
