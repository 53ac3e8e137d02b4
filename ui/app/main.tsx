import { render } from 'preact';
import { takeToken } from '../data/token.js';
import { Shell } from './shell.js';

const root = document.getElementById('app');
if (root !== null) void takeToken().then(() => render(<Shell />, root));
