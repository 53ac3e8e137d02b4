import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { describeWithValkey } from '../../support/valkey.js';
import { writeExperiment } from '../../runner/experiment.js';
import { runInside } from '../../runner/inside.js';
import { KilledSearch } from './kills.js';
import { preparePlace } from './place.js';
import { queueAt } from './searches.js';

/** Number of kills; `npm run test:kills -- --queue` has 25. The other files here kill each kind of process on its own. */
const count = Number(process.env['NAS_KILLS'] ?? 1);
const seed = Number(process.env['NAS_KILLS_SEED'] ?? 5);

describeWithValkey('a killed run with a queue', () => {
  const place = preparePlace();

  it(
    `has the results of an undisturbed local run bit for bit, ${count} kills later`,
    { timeout: 1_800_000 },
    async () => {
      const { directory, machines, valkey } = place;
      const file = writeExperiment(directory, { engine: '{ threads: 1 }', workers: queueAt(valkey.url) });
      const { expected } = await runInside(file, join(directory, 'reference'));
      const search = new KilledSearch(machines, valkey, new Random(seed, 'queue-kills'), file);
      await search.begin(2);
      for (let round = 0; search.hits.length < count; round++)
        expect(await search.run(join(directory, `killed-${round}`), count), search.hits.join(', ')).toEqual(expected);
    },
  );
});
