import { createSession } from '../../compiler/index.js';
import { median } from '../../latency-models/statistics.js';
import { randomFeeds } from '../../latency-models/devices/onnx-model.js';
import { ownProcessorTime } from '../../latency-models/machine.js';
import { timedRuns, timeInterleaved, type Protocol, type Subject } from '../../latency-models/index.js';

/** Times of one model, in ms for one run. */
export interface Timed {
  /** Processor time of the process: what other programs do hardly matters. Median over blocks. */
  readonly cpu: number;
  /** Wall time, as a device measures it: interquartile mean of the runs in calm blocks. */
  readonly wall: number;
}

/** A subject that also keeps the processor time of each run, block by block. */
function withProcessorTime(subject: Subject): Subject & { readonly cpu: readonly number[] } {
  const cpu: number[] = [];
  return {
    cpu,
    async takeBlock(shape) {
      const before = ownProcessorTime();
      const block = await subject.takeBlock(shape);
      // A block's first run is not among its samples.
      cpu.push((ownProcessorTime() - before) / (block.samples.length + 1));
      return block;
    },
  };
}

/** Times models side by side in this process: one thread, blocks interleaved, in the order in which they are given. */
export async function timeModels(models: readonly Uint8Array[], batch: number, protocol: Protocol): Promise<Timed[]> {
  const sessions = [];
  try {
    for (const model of models) sessions.push(await createSession(model, { threads: 1 }));
    const subjects = sessions.map((session) => {
      const feeds = randomFeeds(session, batch);
      return withProcessorTime(
        timedRuns(() => session.run(feeds), { clock: () => performance.now(), processorTime: ownProcessorTime }),
      );
    });
    const timings = await timeInterleaved(subjects, protocol, () => performance.now());
    return timings.map(({ ms }, i) => ({ cpu: median(subjects[i].cpu), wall: ms }));
  } finally {
    for (const session of sessions) await session.release();
  }
}
