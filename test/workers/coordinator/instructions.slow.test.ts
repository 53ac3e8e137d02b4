import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWith } from '../../deploy/edge/c/support/compilers.js';
import { runInside } from '../../runner/inside.js';
import { describeWithValkey } from '../../support/valkey.js';
import { preparePlace } from '../reliability/place.js';
import { queueAt, runQueued, writeTrainings } from '../reliability/searches.js';

describeWithValkey('a queue', () => {
  const place = preparePlace();

  describeWith(['arm-none-eabi-gcc', 'qemu-system-arm'], 'for a search that counts instructions', () => {
    it('trains on a worker without compiler and QEMU, and counts on the machine of the coordinator', async () => {
      const { directory, valkey } = place;
      const file = writeTrainings(directory, queueAt(valkey.url), {
        objectives: '[accuracy, instructions]',
        constraints: '{ board: stm32f446re }',
        train: '{ epochs: 1, batch: 32 }',
      });
      const { expected } = await runInside(file, join(directory, 'local'));
      await place.workers({ env: { PATH: directory } });
      const { state, found, events } = await runQueued({ file, workdir: join(directory, 'queued') });
      expect(state).toBe('complete');
      expect(found).toEqual(expected);
      for (const { values } of found.trials) expect(values['instructions'].value).toBeGreaterThan(1000);
      expect(events.filter(({ kind }) => kind === 'trial-epoch')).toHaveLength(2);
    });
  });
});
