export { createScheduler, rungsOf } from './create-scheduler.js';
export { Foresight } from './foresee.js';
export { fidelitySchema, type FidelityConfig } from './schema.js';
export type { SchedulerDecision, RungResult, Scheduler, SchedulerInput, Standing, Step } from './scheduler.js';
