import type { Scheduler } from './scheduler.js';

/** Every trial is trained to its end at once. */
export const wholeTrainings = (epochs: number): Scheduler => ({
  first: epochs,
  decide: ({ mayAsk }) => (mayAsk ? { kind: 'ask' } : undefined),
});
