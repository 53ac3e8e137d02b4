import fc from 'fast-check';
import { vi } from 'vitest';
import { lifeFolder } from './place.js';
import { LivedRun, runLife, type RunLife } from './run-life.js';
import { LivedStudy, studyLife, type StudyLife } from './study-life.js';

/** Lives that take milliseconds. @param kills whether they start processes and kill them */
export const quickLives = (kills: boolean) =>
  fc.oneof(
    { weight: 5, arbitrary: runLife('table', kills) },
    { weight: 5, arbitrary: studyLife },
    { weight: 1, arbitrary: runLife('function') },
  );

export const supernetLives = runLife('supernet');

/**
 * Lives so many random lives.
 * @throws an error with the settings and commands of the shortest life that fails, and its seed
 */
export async function live(numRuns: number, lives: fc.Arbitrary<RunLife | StudyLife>): Promise<void> {
  const cache = lifeFolder();
  vi.stubEnv('NAS_CACHE', cache.folder);

  const property = fc.asyncProperty(lives, async (life) => {
    const { folder, remove } = lifeFolder();
    try {
      const lived = life.kind === 'study' ? new LivedStudy(life, folder) : await LivedRun.of(life, folder);
      await lived.live();
    } finally {
      remove();
    }
  });
  const { failed, counterexample, errorInstance: cause, seed, numRuns: lived } = await fc.check(property, { numRuns });
  vi.unstubAllEnvs();
  cache.remove();
  if (!failed) return;
  const [{ commands, ...settings }] = counterexample ?? [{ commands: [] }];
  const lines = [settings, ...commands.filter((one) => one !== null)].map((one) => `  ${JSON.stringify(one)}`);
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new Error(`life ${lived} fails (NAS_PROPERTY_SEED=${seed}):\n${lines.join('\n')}\n${reason}`, { cause });
}
