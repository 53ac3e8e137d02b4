import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Folders } from '../../../workers/transport/messages.js';
import { JobUploads } from '../../../workers/worker/job-files.js';
import { Gate } from '../../../runner/jobs/supervision.js';
import { temporaryFolder } from '../../support/temporary.js';

const artifact = (n: number) => ({ sha256: String(n).padStart(64, '0'), bytes: n });

function setting(initial: Folders = { '@1': [] }) {
  const folder = temporaryFolder();
  const reported: Folders[] = [];
  let sent = 0;
  let fails = false;
  let gate: Gate | null = null;
  const uploads = new JobUploads(initial, {
    put: async () => {
      const n = ++sent;
      await gate?.opened;
      if (fails) throw new Error('away');
      return artifact(n);
    },
    onFiles: (folders) => void reported.push(folders),
    locate: (_symbol, inside) => join(folder, inside),
  });
  const write = (inside: string) => {
    writeFileSync(join(folder, inside), inside);
    return { symbol: '@1', inside, file: join(folder, inside) };
  };
  return {
    uploads,
    reported,
    write,
    folder,
    paths: () => uploads.folders['@1'].map(({ path }) => path),
    sent: () => sent,
    failing: (is: boolean) => (fails = is),
    hold: () => (gate = new Gate()),
  };
}

it('sends only the newest version of a file that is written during an upload', async () => {
  const { uploads, write, sent, hold } = setting();
  const gate = hold();
  const file = write('checkpoint.bin');
  uploads.add(file);
  await expect.poll(sent, { interval: 1 }).toBe(1);
  for (let i = 0; i < 5; i++) uploads.add(file);
  gate.open();
  await uploads.flush();
  expect(sent()).toBe(2);
  expect(uploads.folders).toEqual({ '@1': [{ path: 'checkpoint.bin', ...artifact(2) }] });
});

it('sends a file of the result once, and reports no files after the last flush began', async () => {
  const { uploads, write, sent, hold, reported, paths } = setting();
  uploads.add(write('checkpoint.bin'));
  await expect.poll(() => reported, { interval: 1 }).toHaveLength(1);
  const gate = hold();
  const weights = write('weights.bin');
  uploads.add(weights);
  uploads.addMissing(weights);
  const flushed = uploads.flush();
  gate.open();
  await flushed;
  expect(paths()).toEqual(['checkpoint.bin', 'weights.bin']);
  expect([sent(), reported.length]).toEqual([2, 1]);
});

it('leaves out removed files, and keeps the files from which the job started', async () => {
  const { uploads, write, folder, paths } = setting({ '@1': [{ path: 'checkpoint.bin', ...artifact(9) }] });
  write('checkpoint.bin');
  uploads.addMissing(write('weights.bin'));
  await uploads.flush();
  expect(paths()).toEqual(['checkpoint.bin', 'weights.bin']);
  rmSync(join(folder, 'checkpoint.bin'));
  await uploads.flush();
  expect(paths()).toEqual(['weights.bin']);
});

it('repeats failed uploads at the end, and throws after a second failure', async () => {
  const { uploads, write, failing, reported, sent, paths } = setting();
  failing(true);
  uploads.add(write('a'));
  await expect(uploads.flush()).rejects.toThrow('away');
  expect([sent(), reported.length]).toEqual([2, 0]);
  failing(false);
  await uploads.flush();
  expect(paths()).toEqual(['a']);
});
