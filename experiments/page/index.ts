export { startPage, type PageOptions, type PageServer } from './start.js';
