import { messageOf } from '../../../base/errors.js';
import { chooseEngine, needsImages, proxies, proxyBatch } from '../../../trainers/index.js';
import type { SeededNetwork, JobContext, JobOf, ProxyResult } from './jobs.js';

/** Computes proxies where networks train, on one thread of a processor, one network after the other: the same numbers whatever else the machine does. */
export async function proxiesJob(
  { candidates, names, dataset, imageSeed, engine }: JobOf<'proxies'>,
  { pause }: JobContext,
): Promise<readonly ProxyResult[]> {
  const batch = names.some(needsImages) ? proxyBatch(dataset, imageSeed) : undefined;
  const choice = await chooseEngine(engine);
  const of = async ({ network, seed }: SeededNetwork): Promise<ProxyResult> => {
    try {
      const values = await proxies(network, { seed, names, batch, engine: choice });
      const bad = names.find((name) => !Number.isFinite(values[name]));
      return bad === undefined ? { values } : { failed: `${bad} is ${values[bad]}` };
    } catch (error) {
      return { failed: messageOf(error) };
    }
  };
  const results: ProxyResult[] = [];
  for (const candidate of candidates) {
    results.push(await of(candidate));
    await pause();
  }
  return results;
}
