import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { invalidInput } from '../../../base/errors.js';

/** Names that Chromium and its relatives have on the path. */
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge'];

/** Where they are when they are not on the path. */
const places = [
  '/usr/bin/chromium',
  '/usr/lib/chromium/chromium',
  '/snap/bin/chromium',
  '/opt/google/chrome/chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The browser to measure in: the one that is asked for, that of CHROMIUM_PATH, or the first of the usual ones.
 * @throws NasError `invalid-input` when there is none.
 */
export function findBrowser(executable: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const variable = env['CHROMIUM_PATH'] ?? '';
  const asked = executable ?? (variable === '' ? undefined : variable);
  if (asked !== undefined) {
    if (isExecutable(asked)) return asked;
    const from = executable === undefined ? 'CHROMIUM_PATH names' : 'the device names';
    throw invalidInput(`${from} ${asked}, which is not a program that can be run`, {
      hint: 'Give the path of Chromium, Chrome or Edge.',
    });
  }
  const onPath = (env['PATH'] ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  const found = [...onPath, ...places].find(isExecutable);
  if (found !== undefined) return found;
  throw invalidInput('no browser was found to measure in', {
    hint: 'Install Chromium (apt install chromium), or set CHROMIUM_PATH or the key executable of the device to one.',
  });
}
