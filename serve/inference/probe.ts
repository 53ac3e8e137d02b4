/** Entry of a process that opens and measures models, which may hang, crash or use up its memory. */
import { writeFileSync } from 'node:fs';
import { messageOf } from '../../base/errors.js';
import type { Model } from '../models/model.js';
import { calibrate } from './calibrate.js';
import { pixelLayout } from './pixel-layout.js';
import type { BatchTimes } from './pool.js';
import { inlineRunner } from './runner.js';

export interface ProbeOrder {
  readonly model: Model;
  readonly maxBatch: number;
}

export type ProbeReport =
  | { readonly kind: 'measured'; readonly times: BatchTimes }
  | { readonly kind: 'refused'; readonly message: string };

async function probe({ model, maxBatch }: ProbeOrder): Promise<ProbeReport> {
  try {
    const runner = await inlineRunner([model]);
    const { times } = await calibrate(runner, 0, model, { layout: pixelLayout([model]), maxBatch });
    await runner.close();
    return { kind: 'measured', times };
  } catch (error) {
    return { kind: 'refused', message: messageOf(error) };
  }
}

if (process.send !== undefined) {
  // When memory runs out, the system ends this process and not the server.
  if (process.platform === 'linux') writeFileSync('/proc/self/oom_score_adj', '1000');
  process.on('message', (order: ProbeOrder) => void probe(order).then((report) => process.send?.(report)));
  process.on('disconnect', () => process.exit());
}
