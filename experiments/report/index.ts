export * from './collect/index.js';
export * from './data.js';
export * from './format.js';
export { toCsv } from './csv.js';
export { renderFrontier } from './charts/frontier.js';
export { renderPage } from './html/page.js';
export { writeReports } from './write.js';
