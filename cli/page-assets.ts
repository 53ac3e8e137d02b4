import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../base/processes.js';

/** The folder with what a browser loads, which `npm run build` fills; sources that run directly show it, too. */
export const pageAssets = (): string => join(packageRoot(fileURLToPath(import.meta.url)), 'dist', 'ui', 'app');
