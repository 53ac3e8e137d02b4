/** Files of other programs as networks of a space. */
export { recogniseHeaded, recogniseNetwork, type RecognisedNetwork } from './recognise.js';
export { rescaledStem } from './stem-scale.js';
