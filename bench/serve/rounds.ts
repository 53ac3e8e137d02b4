import { setTimeout as sleep } from 'node:timers/promises';
import { familyProcessorTime } from '../../latency-models/machine.js';
import { median } from '../../latency-models/statistics.js';
import type { LoadPlan } from './load/plan.js';
import type { LoadReport } from './load/report.js';
import { runLoad } from './load/run-load.js';
import type { ServerProcess } from './server-process.js';

/** A server with what it is asked. */
export interface Contestant {
  readonly server: ServerProcess;
  readonly plan: Omit<LoadPlan, 'port'>;
}

/** One load on one server. */
export interface Turn {
  readonly report: LoadReport;
  /** Answers with status 200 a second, in time or not. */
  readonly rate: number;
  /** Processor time of the server for each of them, in ms, whatever it did for others. */
  readonly cpuMs: number;
}

/** How a server is told to be done with what earlier turns left: it uses less of a core than this share. */
const quiet = { share: 0.1, lookMs: 200, looks: 100 } as const;

/** Waits until a server has nothing to do any more: what was not answered is still computed by some. */
async function settle({ pid }: ServerProcess): Promise<void> {
  for (let look = 0; look < quiet.looks; look++) {
    const before = familyProcessorTime(pid);
    await sleep(quiet.lookMs);
    if (familyProcessorTime(pid) - before <= quiet.share * quiet.lookMs) return;
  }
  throw new Error(`the server with process id ${pid} does not get idle`);
}

/** Puts a load on a server that has nothing else to do, and reads off what it cost. */
export async function takeTurn({ server, plan }: Contestant): Promise<Turn> {
  await settle(server);
  const before = familyProcessorTime(server.pid);
  const report = await runLoad({ ...plan, port: server.port });
  const spent = familyProcessorTime(server.pid) - before;
  const answered = report.counts.good + report.counts.late;
  return { report, rate: answered / report.seconds, cpuMs: spent / answered };
}

/**
 * So many rounds, in each of which every contestant has its turn, so that a neighbour's noise falls on all of them. A short
 * turn of each comes before, and does not count.
 */
export async function interleave<Name extends string>(
  contestants: Readonly<Record<Name, Contestant>>,
  rounds: number,
): Promise<Readonly<Record<Name, readonly Turn[]>>> {
  const names = Object.keys(contestants) as Name[];
  const turns = Object.fromEntries(names.map((name) => [name, [] as Turn[]])) as Record<Name, Turn[]>;
  for (const name of names) {
    const { server, plan } = contestants[name];
    await takeTurn({ server, plan: { ...plan, seconds: 1 } });
  }
  for (let round = 0; round < rounds; round++)
    for (const name of names) turns[name].push(await takeTurn(contestants[name]));
  return turns;
}

export const medianOf = (turns: readonly Turn[], figure: (turn: Turn) => number): number => median(turns.map(figure));

/** Answers in time, a second. */
export const goodput = ({ report }: Turn): number => report.counts.good / report.seconds;

/** A generator that is later than this, in ms at p99, does not put the load on a server that it should. */
const mostLagMs = 10;

const isValid = ({ report }: Turn): boolean => (report.lagMs?.p99 ?? 0) <= mostLagMs;

/** Turns whose load was as it should be; all of them where none was, which `doubts` then says. */
export function validOf(turns: readonly Turn[]): readonly Turn[] {
  const valid = turns.filter(isValid);
  return valid.length > 0 ? valid : turns;
}

/** In how many turns the load was not as it should be; empty: in none. */
export function doubts(turns: readonly Turn[]): string {
  const late = turns.filter((turn) => !isValid(turn)).length;
  return late === 0
    ? ''
    : `; in ${late} of ${turns.length} turns, the generator was late by more than ${mostLagMs} ms: the machine is too busy`;
}

/** Answers of a server a second, when it is always asked. */
export async function capacityOf(contestant: Contestant): Promise<number> {
  await takeTurn({ ...contestant, plan: { ...contestant.plan, seconds: 1 } });
  return (await takeTurn(contestant)).rate;
}
