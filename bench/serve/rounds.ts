import { setTimeout as sleep } from 'node:timers/promises';
import { familyProcessorTime } from '../../latency-models/machine.js';
import { median } from '../../latency-models/statistics.js';
import type { LoadPlan } from './load/plan.js';
import type { LoadReport } from './load/report.js';
import { runLoad } from './load/generate.js';
import type { ServerProcess } from './server-process.js';

/** A server and the load on it. */
export interface LoadCase {
  readonly server: ServerProcess;
  readonly plan: Omit<LoadPlan, 'port'>;
}

/** One load on one server, measured. */
export interface Measurement {
  readonly report: LoadReport;
  /** Responses with status 200 per second, good or late. */
  readonly rate: number;
  /** CPU time of the server per such response in ms, including the work for all other requests. */
  readonly cpuMs: number;
}

/** A server is idle when it uses less than this share of a core over one interval. */
const idle = { share: 0.1, intervalMs: 200, attempts: 100 } as const;

/** Waits until a server is idle; some servers still compute requests that got no response. */
async function settle({ pid }: ServerProcess): Promise<void> {
  for (let attempt = 0; attempt < idle.attempts; attempt++) {
    const before = familyProcessorTime(pid);
    await sleep(idle.intervalMs);
    if (familyProcessorTime(pid) - before <= idle.share * idle.intervalMs) return;
  }
  throw new Error(`the server with process id ${pid} does not become idle`);
}

/** Puts a load on an idle server and measures rate and cost. */
export async function measureLoad({ server, plan }: LoadCase): Promise<Measurement> {
  await settle(server);
  const before = familyProcessorTime(server.pid);
  const report = await runLoad({ ...plan, port: server.port });
  const spent = familyProcessorTime(server.pid) - before;
  const answered = report.counts.good + report.counts.late;
  return { report, rate: answered / report.seconds, cpuMs: spent / answered };
}

/**
 * Measures all cases in every round, so that other load affects all of them. A short warm-up of each case precedes the
 * rounds and does not count.
 */
export async function interleave<Name extends string>(
  cases: Readonly<Record<Name, LoadCase>>,
  rounds: number,
): Promise<Readonly<Record<Name, readonly Measurement[]>>> {
  const names = Object.keys(cases) as Name[];
  const measurements = Object.fromEntries(names.map((name) => [name, [] as Measurement[]])) as Record<
    Name,
    Measurement[]
  >;
  for (const name of names) {
    const { server, plan } = cases[name];
    await measureLoad({ server, plan: { ...plan, seconds: 1 } });
  }
  for (let round = 0; round < rounds; round++)
    for (const name of names) measurements[name].push(await measureLoad(cases[name]));
  return measurements;
}

/** The median of a figure. */
export const medianOf = (measurements: readonly Measurement[], figure: (measurement: Measurement) => number): number =>
  median(measurements.map(figure));

/** Good responses per second. */
export const goodput = ({ report }: Measurement): number => report.counts.good / report.seconds;

/** A generator whose p99 delay exceeds this (ms) does not produce the planned load. */
const maxLagMs = 10;

const isValid = ({ report }: Measurement): boolean => (report.lagMs?.p99 ?? 0) <= maxLagMs;

/** Measurements with the planned load; all of them if none has, which `lagWarning` reports. */
export function validOf(measurements: readonly Measurement[]): readonly Measurement[] {
  const valid = measurements.filter(isValid);
  return valid.length > 0 ? valid : measurements;
}

/** A warning about measurements without the planned load; empty if there are none. */
export function lagWarning(measurements: readonly Measurement[]): string {
  const late = measurements.filter((measurement) => !isValid(measurement)).length;
  return late === 0
    ? ''
    : `; in ${late} of ${measurements.length} measurements, the load generator lagged by more than ${maxLagMs} ms: the machine is too busy`;
}

/** Responses per second of a saturated server. */
export async function capacityOf(loadCase: LoadCase): Promise<number> {
  await measureLoad({ ...loadCase, plan: { ...loadCase.plan, seconds: 1 } });
  return (await measureLoad(loadCase)).rate;
}
