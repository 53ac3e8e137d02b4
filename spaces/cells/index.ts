export * from './nasbench201.js';
