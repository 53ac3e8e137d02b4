import type { QueueConnection } from '../connection.js';
import { whyNot } from '../fitting.js';
import type { Abilities } from '../lanes.js';
import type { RunRecord } from '../registry.js';
import { listRuns } from '../runs-list.js';

/** What keeps a worker from all runs that there are; null: nothing, or there are none. */
export function idleReason(runs: readonly RunRecord[], worker: Abilities): string | null {
  const reasons = runs.map((run) => ({ name: run.name, why: whyNot(run, worker) }));
  if (reasons.length === 0 || reasons.some(({ why }) => why.length === 0)) return null;
  const each = reasons.map(({ name, why }) => `${name}: it ${why.join(', and ')}`);
  return `This worker can do nothing for the ${runs.length === 1 ? 'run that is' : 'runs that are'} there. ${each.join('; ')}`;
}

/** Says once, of an idle worker, why it has nothing to do. */
export function watchIdleness(
  connection: QueueConnection,
  worker: Abilities,
  isIdle: () => boolean,
  onNote: (message: string) => void,
  everyMs = 10_000,
): { close(): void } {
  let told: string | null = null;
  const look = async (): Promise<void> => {
    if (!isIdle()) return;
    const reason = idleReason(await listRuns(connection), worker);
    if (reason !== null && reason !== told && isIdle()) onNote(reason);
    told = reason;
  };
  const timer = setInterval(() => void look().catch(() => undefined), everyMs);
  return { close: () => clearInterval(timer) };
}
