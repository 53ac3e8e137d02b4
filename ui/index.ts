/** Renders reports and charts as self-contained text, for the command. The page starts in `app/main.tsx`. */
export { reportFiles } from './report/page.js';
export { renderPage } from './report/page.js';
export { renderSheet } from './report/sheet.js';
export { renderFrontier, renderPrecisionRecall, renderPrediction, type DrawnPrediction } from './report/pictures.js';
