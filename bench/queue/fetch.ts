/** Fetches a bundle like a new worker, in its own process, and prints the wall and CPU seconds. */
import { z } from 'zod';
import { bundleSchema } from '../../workers/artifacts/artifact.js';
import { BundleCache } from '../../workers/artifacts/cache.js';
import { RunArtifacts } from '../../workers/artifacts/run-artifacts.js';

const settings = z
  .object({ url: z.string(), token: z.string(), bundle: bundleSchema, directory: z.string() })
  .parse(JSON.parse(process.argv[2]));
const artifacts = new RunArtifacts(() => Promise.resolve({ type: 'http', url: settings.url, token: settings.token }));
const cache = new BundleCache(settings.directory, { limitBytes: 2 ** 40, clock: Date.now });
const before = process.cpuUsage();
const began = performance.now();
const used = await cache.use(settings.bundle, artifacts);
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(before);
used.release();
process.stdout.write(`${JSON.stringify({ seconds, processorSeconds: (user + system) / 1e6 })}\n`);
