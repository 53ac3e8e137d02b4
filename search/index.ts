export * from './controller.js';
export * from './objective.js';
export * from './schema.js';
