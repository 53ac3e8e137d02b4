import { statSync } from 'node:fs';
import type { Clock } from '../../../store/index.js';
import { databasePath } from '../../stored/workdir.js';

/** What a run's file looks like from outside: as long as it is the same, nothing was written. */
export interface Stamp {
  readonly text: string;
  /** False just after a change: the clock of a file system is coarse, and another one may not show. */
  readonly isSettled: boolean;
}

/** Longer than any file system's clock stands still, in ms. */
const coarseness = 100;

/** Costs two looks at the file system, and does not open the file. @returns null without a run. */
export function stampOf(workdir: string, clock: Clock): Stamp | null {
  const path = databasePath(workdir);
  const [file, log] = ['', '-wal'].map((suffix) => statSync(path + suffix, { bigint: true, throwIfNoEntry: false }));
  if (file === undefined) return null;
  const stats = log === undefined ? [file] : [file, log];
  const latest = Math.max(...stats.map(({ mtimeMs }) => Number(mtimeMs)));
  return {
    text: stats.map(({ ino, size, mtimeNs }) => `${ino} ${size} ${mtimeNs}`).join(', '),
    isSettled: clock() - latest > coarseness,
  };
}
