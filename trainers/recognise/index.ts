/** Files of other programs as networks of a space. */
export { recogniseHeaded, recogniseNetwork, type RecognisedNetwork } from './recognise.js';
