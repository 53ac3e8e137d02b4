/**
 * How a server of several networks decides. It knows no clock and no threads: it is told what comes, when a worker is free, and
 * what came of it.
 *
 * - Something comes (`offer`): it is refused at once if it, or anything that waits with a later deadline, would be late even at
 *   the fastest network; otherwise it waits, earliest deadline first.
 * - A worker is free (`take`): what can no longer be in time expires; the most accurate network with which everything that waits
 *   is still in time takes the first, and as many of the others as make an image cheaper. There is no timer: a batch is what has
 *   come meanwhile. If no network is fast enough for all, the fastest does what it can.
 * - Who asks for a network gets that one; those who leave the choice never get what was chosen for others.
 * - A batch is done (`ServiceTime.observe`): later predictions follow what batches usually take.
 * - An answer was given (`observe`): late ones raise the margin by which waiting times are multiplied, others lower it.
 *
 * Why it is so, and what was tried: docs/adr/0019-the-scheduler-decides-late.md.
 */
export { batchThatPays } from './batch-that-pays.js';
export { Scheduler, type SchedulerOptions, type Taken } from './scheduler.js';
export { ServiceTime } from './service-time.js';
export type { Batch, Candidate, Item, Overload } from './types.js';
