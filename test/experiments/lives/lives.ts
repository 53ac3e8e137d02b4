import fc from 'fast-check';
import { lifeFolder } from './place.js';
import { LivedStudy, studyLife } from './study-life.js';
import { LivedTable, tableLife } from './table-life.js';

/**
 * Lives so many random lives.
 * @throws an error with the settings and commands of the shortest life that fails, and its seed
 */
export async function live(numRuns: number): Promise<void> {
  const property = fc.asyncProperty(fc.oneof(tableLife, studyLife), async (life) => {
    const { folder, remove } = lifeFolder();
    try {
      await (life.kind === 'table' ? new LivedTable(life, folder) : new LivedStudy(life, folder)).live();
    } finally {
      remove();
    }
  });
  const { failed, counterexample, errorInstance: cause, seed, numRuns: lived } = await fc.check(property, { numRuns });
  if (!failed) return;
  const [{ commands, ...settings }] = counterexample ?? [{ commands: [] }];
  const lines = [settings, ...commands.filter((one) => one !== null)].map((one) => `  ${JSON.stringify(one)}`);
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new Error(`life ${lived} fails (NAS_PROPERTY_SEED=${seed}):\n${lines.join('\n')}\n${reason}`, { cause });
}
