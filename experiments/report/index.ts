export * from './collect/index.js';
export * from './data.js';
export * from './format.js';
export { toCsv } from './csv.js';
export { precisionsText, verdictText } from './precisions.js';
export { groupsText, hostsText, workersText } from './workers.js';
export { shrunkRows, targetText, withinText } from './shrunk.js';
