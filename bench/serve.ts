/**
 * `nas serve` beside common hand-written servers on this machine. The load generator measures latency from the moment a
 * request was due. Figures are medians over rounds that alternate the servers.
 *
 * raw-small: tensors for a network of about 0.03 ms, 32 connections; responses per second, beside fastify with
 * `await session.run` and FastAPI with onnxruntime (Debian: python3-fastapi, python3-uvicorn, python3-onnxruntime).
 * raw-large: tensors for a network of about 6.6 ms; CPU time per response, over all threads of a server.
 * image: JPEGs of 640 x 480 for the same network and measure; FastAPI uses Pillow's `draft`.
 * overload: the same network at 2 and 4 times its capacity, budget 100 ms; goodput (responses within the budget per second).
 * frontier: six networks at 2 and 4 times the capacity of the largest, beside the largest alone; goodput weighted by accuracy.
 * workers: two inference threads beside one; needs two idle cores.
 *
 *   npm run bench:serve -- --only raw-small,raw-large,image,overload,frontier,workers --rounds 5 --seconds 5
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { frontier } from './serve/frontier.js';
import { image, rawLarge, rawSmall } from './serve/matches.js';
import { overload, workers } from './serve/capacity.js';
import type { Setting } from './serve/setting.js';

const benches: Readonly<Record<string, (setting: Setting) => Promise<void>>> = {
  'raw-small': rawSmall,
  'raw-large': rawLarge,
  image,
  overload,
  frontier,
  workers,
};

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(benches).join() },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    python: { type: 'string', default: '/usr/bin/python3' },
  },
});
const names = options.only.split(',');
const unknown = names.filter((name) => !(name in benches));
if (unknown.length > 0)
  throw new Error(`no benchmark ${unknown.join()}; expected some of ${Object.keys(benches).join()}`);
const root = mkdtempSync(join(tmpdir(), 'nas-bench-serve-'));
const setting: Setting = {
  root,
  rounds: Number(options.rounds),
  seconds: Number(options.seconds),
  python: options.python,
  print: (line) => console.log(`${line}   (load ${loadavg()[0].toFixed(1)})`),
};
try {
  for (const name of names) await benches[name](setting);
} finally {
  rmSync(root, { recursive: true, force: true });
}
