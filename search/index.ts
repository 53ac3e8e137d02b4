export * from './controller.js';
export * from './create-controller.js';
export * from './frontier.js';
export * from './hypervolume.js';
export { SpaceExhausted } from './infeasible.js';
export * from './objective.js';
export * from './pareto.js';
export * from './schema.js';
