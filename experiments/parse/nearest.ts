export { editDistance, nearest } from '../../base/text.js';
