export { compare, type CompareOptions } from './compare.js';
export type { Comparison, Task, TaskResult, Variant } from './comparison.js';
export { Problem } from './problem.js';
export { measure, problemsOf } from './run-task.js';
export { curvesCsv } from './curves-csv.js';
export { summarise, type Measured, type MethodSummary, type Reached } from './summary.js';
export { summariseAll } from './summarise-all.js';
export type { Quartiles } from './statistics.js';
