import fc from 'fast-check';
import { lifeFolder } from './place.js';
import { LivedStudy, studyLife } from './study-life.js';
import { LivedTable, tableLife } from './table-life.js';

const lineOf = (value: unknown): string => JSON.stringify(value);

/** Lives so many random lives; the message of a failure lists the commands of the shortest life that fails, and its seed. */
export const live = (count: number): Promise<void> =>
  fc.assert(
    fc.asyncProperty(fc.oneof(tableLife, studyLife), async (life) => {
      const { folder, remove } = lifeFolder();
      try {
        await (life.kind === 'table' ? new LivedTable(life, folder) : new LivedStudy(life, folder)).live();
      } finally {
        remove();
      }
    }),
    {
      numRuns: count,
      asyncReporter: (details) => {
        if (!details.failed) return Promise.resolve();
        const [life] = details.counterexample ?? [];
        const { commands = [], ...settings } = life ?? {};
        const list = [settings, ...commands.filter((one) => one !== null)].map((one) => `  ${lineOf(one)}`);
        const cause =
          details.errorInstance instanceof Error ? details.errorInstance : new Error(String(details.errorInstance));
        throw new Error(
          `a life fails (NAS_PROPERTY_SEED=${details.seed}, after ${details.numRuns} lives):\n${list.join('\n')}\n${cause.message}`,
          { cause },
        );
      },
    },
  );
