import { render } from 'preact';
import { Shell } from './shell.js';

const root = document.getElementById('app');
if (root !== null) render(<Shell />, root);
