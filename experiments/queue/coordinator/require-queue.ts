import { buildId } from '../build.js';
import { connectQueue, queueAddress } from '../connection.js';
import type { Lane } from '../lanes.js';
import type { QueueConfig } from '../schema.js';
import { listWorkers } from '../workers-list.js';
import { requireHosting } from './hosting.js';
import { slotsByGroup } from './workers-for.js';

/** What the jobs of a run ask of workers, of whichever group, as long as they run no code of the user's. */
export const laneOf = ({ tag }: Pick<QueueConfig, 'tag'>): Lane => ({
  build: buildId(),
  group: null,
  tag: tag ?? null,
  modules: false,
});

/**
 * Makes sure that a run with a queue can begin, before anything of it is written.
 * @returns the slots of the workers that would do its jobs now
 * @throws NasError when the server cannot be reached or used, or files cannot be hosted as it is written
 */
export async function requireQueue(config: QueueConfig): Promise<{ readonly slots: number }> {
  const connection = await connectQueue(queueAddress(config));
  try {
    await requireHosting(config.artifacts, connection);
    const slots = [...slotsByGroup(laneOf(config), await listWorkers(connection)).values()];
    return { slots: config.mixed ? slots.reduce((sum, count) => sum + count, 0) : Math.max(0, ...slots) };
  } finally {
    await connection.close();
  }
}
