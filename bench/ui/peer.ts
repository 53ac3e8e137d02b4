import { spawnSync } from 'node:child_process';

/** Why optuna-dashboard cannot show the same history here; null if it can. */
export function missingPeer(): string | null {
  const { status } = spawnSync('optuna-dashboard', ['--version'], { stdio: 'ignore' });
  if (status === 0) return null;
  return 'optuna-dashboard is not on the path (pip install optuna-dashboard); its column is left out';
}
