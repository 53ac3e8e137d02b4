/**
 * Decides which network answers which request. It is pure: it has no clock and no threads, its caller reports events.
 *
 * - A request arrives (`offer`): it is refused at once if it, or a queued item of a later deadline, would be late even with the
 *   fastest network. Otherwise it waits, earliest deadline first.
 * - A worker is free (`take`): items that can no longer meet their deadline expire. The most accurate network that meets all
 *   deadlines takes the first item and as many others as lower the cost of an image. There is no timer: a batch is formed of
 *   the items that arrived meanwhile. If no network meets all deadlines, the fastest one computes.
 * - A request for a named network gets that network. A request without a name never gets a network that another one named.
 * - A batch ends (`ServiceTime.observe`): later predictions follow the usual times of batches.
 * - An answer is sent (`observe`): late answers raise the safety margin on waiting times, the others lower it.
 *
 * Reasons and alternatives: docs/adr/0019-the-scheduler-decides-late.md.
 */
export { batchThatPays } from './service-time.js';
export { Scheduler, type SchedulerOptions, type Dispatch } from './scheduler.js';
export { ServiceTime } from './service-time.js';
export type { Batch, Candidate, Item, Overload } from './types.js';
