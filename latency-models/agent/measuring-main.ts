import { readFileSync } from 'node:fs';
import { messageOf, NasError } from '../../base/errors.js';
import { createDevice } from '../devices/create-device.js';
import type { MeasuringTask } from './agent-queue.js';
import type { MeasurementState } from '../devices/agent/wire.js';

// The entry of an agent's measuring process: it receives one task, sends states, and ends.

const send = (state: MeasurementState): Promise<void> =>
  new Promise((resolve) => process.send?.(state, () => resolve()));

async function measure({ device, models, protocol }: MeasuringTask): Promise<MeasurementState> {
  let reported = 0;
  const onProgress = (done: number, total: number): void => {
    const now = performance.now();
    if (now - reported < 250) return;
    reported = now;
    void send({ state: 'running', done, total });
  };
  try {
    const subjects = models.map((file) => ({ model: () => readFileSync(file) }));
    return { state: 'done', measurements: await createDevice(device).measureAll(subjects, protocol, { onProgress }) };
  } catch (error) {
    const known = error instanceof NasError ? error : undefined;
    return {
      state: 'failed',
      code: known?.code === 'invalid-input' ? 'invalid-input' : 'failure',
      message: messageOf(error),
      ...(known?.hint === undefined ? {} : { hint: known.hint }),
    };
  }
}

process.once('message', (task: MeasuringTask) => {
  void measure(task).then(async (state) => {
    await send(state);
    process.disconnect();
  });
});
process.on('disconnect', () => process.exit(0));
