/** What the command takes from here: how reports are drawn. What a browser loads starts from `app/main.tsx`. */
export { renderPage } from './report/page.js';
