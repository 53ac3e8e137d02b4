import fc from 'fast-check';
import { vi } from 'vitest';
import { lifeFolder } from './place.js';
import { LivedRun, runLife } from './run-life.js';
import { LivedStudy, studyLife } from './study-life.js';

const lives = fc.oneof(
  { weight: 5, arbitrary: runLife('table') },
  { weight: 5, arbitrary: studyLife },
  { weight: 1, arbitrary: runLife('function') },
);

/**
 * Lives so many random lives.
 * @throws an error with the settings and commands of the shortest life that fails, and its seed
 */
export async function live(numRuns: number): Promise<void> {
  const cache = lifeFolder();
  vi.stubEnv('NAS_CACHE', cache.folder);

  const property = fc.asyncProperty(lives, async (life) => {
    const { folder, remove } = lifeFolder();
    try {
      await (life.kind === 'study' ? new LivedStudy(life, folder) : new LivedRun(life, folder)).live();
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
