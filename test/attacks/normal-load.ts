/** The client beside an attack: a request each 100 ms, and another one that shows how long the server does nothing. */
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

interface Asked {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface Load {
  readonly port: number;
  readonly budgetMs: number;
  /** Status of an answer; 200 unless said otherwise. */
  readonly expected?: number;
  /** Requests in turn. */
  readonly requests: readonly Asked[];
  /** A request that costs the server next to nothing. */
  readonly cheap: Asked;
}

export interface Seen {
  /** Requests that were answered within the budget, of all. */
  readonly share: number;
  readonly sent: number;
  readonly p50: number;
  readonly p99: number;
  /** The longest time of a cheap request. */
  readonly stallMs: number;
  /** The longest time in which this process itself did nothing. */
  readonly ownStallMs: number;
  /** Other answers by status and message; 0: the connection ended. */
  readonly refused: string;
}

const everyMs = 100;
const longestMs = 20_000;

interface Answered {
  readonly ms: number;
  readonly status: number;
  readonly text: string;
}

async function ask(port: number, { method, path, headers, body }: Asked, agent: Agent | false): Promise<Answered> {
  const began = performance.now();
  const sent = request({ host: '127.0.0.1', port, method, path, agent, headers });
  const timer = setTimeout(() => sent.destroy(), longestMs);
  sent.end(body);
  let [status, text] = [0, ''];
  try {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    text = await textOf(response);
    status = response.statusCode ?? 0;
  } catch {
    sent.destroy();
  }
  clearTimeout(timer);
  return { status, text, ms: performance.now() - began };
}

/**
 * Sends requests without a pause. Each request costs a process that has just started several times as much: it still compiles.
 */
export async function warmUp({ port, requests }: Load, seconds: number): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const end = performance.now() + seconds * 1000;
  const client = async (_: unknown, i: number): Promise<void> => {
    while (performance.now() < end) await ask(port, requests[i % requests.length], agent);
  };
  await Promise.all(Array.from({ length: 8 }, client));
  agent.destroy();
}

/** Half of the requests have new connections. */
export async function observe(
  { port, budgetMs, requests, cheap, expected = 200 }: Load,
  seconds: number,
): Promise<Seen> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const cheapAgent = new Agent({ keepAlive: true, maxSockets: 1 });
  const asked: Promise<Answered>[] = [];
  const own = monitorEventLoopDelay({ resolution: 10 });
  own.enable();
  let stallMs = 0;
  const end = performance.now() + seconds * 1000;
  const probe = async (): Promise<void> => {
    while (performance.now() < end) {
      stallMs = Math.max(stallMs, (await ask(port, cheap, cheapAgent)).ms);
      await sleep(everyMs / 2);
    }
  };
  const probing = probe();
  for (let i = 0; performance.now() < end; i++) {
    asked.push(ask(port, requests[(i >> 1) % requests.length], i % 2 === 0 && agent));
    await sleep(everyMs);
  }
  const answers = await Promise.all(asked);
  await probing;
  own.disable();
  agent.destroy();
  cheapAgent.destroy();
  const others = new Map<string, number>();
  for (const { status, text } of answers) {
    const reason = `${status} ${text.replaceAll(/\d+/g, '#').slice(0, 80)}`;
    if (status !== expected) others.set(reason, (others.get(reason) ?? 0) + 1);
  }
  const times = answers.map(({ ms, status }) => (status === expected ? ms : Infinity)).sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))];
  return {
    share: times.filter((ms) => ms <= budgetMs).length / times.length,
    sent: times.length,
    p50: at(0.5),
    p99: at(0.99),
    stallMs,
    ownStallMs: own.max / 1e6,
    refused: [...others].map(([reason, count]) => `, ${count} x ${reason}`).join(''),
  };
}
