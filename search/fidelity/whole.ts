import type { Scheduler } from './scheduler.js';

/** Every trial is trained to its end at once. */
export const wholeTrainings = (epochs: number): Scheduler => ({
  decide: ({ mayAsk }) => (mayAsk ? { kind: 'ask', epochs } : undefined),
});
