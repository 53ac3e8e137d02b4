export * from './nasbench201.js';
export * from './notation.js';
