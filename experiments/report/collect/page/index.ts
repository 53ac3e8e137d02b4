/** What the page's server reads of runs: functions of an open store, and of what is remembered between two looks. */
export { collectChanges } from './changes.js';
export { collectColumns } from './columns.js';
export { collectComparison } from './comparison.js';
export { collectEntry } from './entry.js';
export { factsOf, type RunFacts } from './facts.js';
export { collectHypervolume } from './hypervolume.js';
export { RunMemory } from './memory.js';
export { collectPredictions } from './predictions.js';
export { collectRunAnswer } from './run-answer.js';
export { collectTrialAnswer } from './trial-answer.js';
export { collectCurves, collectTexts, collectTrialsAnswer } from './trials-answer.js';
