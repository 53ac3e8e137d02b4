import { expect, it } from 'vitest';
import { benchSearch } from '../../bench/search-table.js';
import { nasInside } from '../cli/nas.js';
import { writeTable } from '../runner/table-experiment.js';
import { temporaryFolder } from '../support/temporary.js';

it('the comparison of controllers on a table does not depend on the number of processes', async () => {
  const { file } = writeTable(temporaryFolder());
  const common = ['--seeds', '2', '--at', '10,20', '--controllers', 'random,local', '--budget', '20', '--json'];
  const [one, two] = await Promise.all(
    ['1', '2'].map(async (workers) => {
      const { code, out } = await nasInside([file, ...common, '--workers', workers], benchSearch);
      expect(code).toBe(0);
      const { methods } = JSON.parse(out) as { methods: { method: string; curve: unknown; found: number }[] };
      return methods.map(({ method, curve, found }) => ({ method, curve, found }));
    }),
  );
  expect(two).toEqual(one);
});
