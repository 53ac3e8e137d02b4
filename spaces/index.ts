export * from './genotype.js';
export * from './network.js';
export * from './space.js';
