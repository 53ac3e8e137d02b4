/**
 * How reports are drawn, as texts that need nothing else: what the command writes and prints, and what programs get from
 * `nas/ui`. What a browser loads starts from `app/main.tsx`.
 */
export type { ComparedMethod } from './charts/points.js';
export { reportFiles } from './report/page.js';
export { renderPage } from './report/page.js';
export { renderComparison, renderFrontier, renderPrediction, type DrawnPrediction } from './report/pictures.js';
