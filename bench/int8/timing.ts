import { createSession } from '../../compiler/index.js';
import { median } from '../../latency-models/statistics.js';
import { randomFeeds } from '../../latency-models/devices/onnx-model.js';
import { ownProcessorTime } from '../../latency-models/machine.js';
import { timedRuns, timeInterleaved, type Protocol, type Subject } from '../../latency-models/index.js';

/** Times of one model in ms per run. */
export interface Timed {
  /** CPU time of the process, median over blocks; insensitive to other programs. */
  readonly cpu: number;
  /** Wall time as a device measures it: interquartile mean of the runs in undisturbed blocks. */
  readonly wall: number;
}

/** A subject that also records the CPU time per run of each block. */
function withProcessorTime(subject: Subject): Subject & { readonly cpu: readonly number[] } {
  const cpu: number[] = [];
  return {
    cpu,
    async takeBlock(shape) {
      const before = ownProcessorTime();
      const block = await subject.takeBlock(shape);
      // The samples of a block exclude its first run.
      cpu.push((ownProcessorTime() - before) / (block.samples.length + 1));
      return block;
    },
  };
}

/** Times models side by side in this process: one thread, interleaved blocks. @returns times in the order of `models`. */
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
