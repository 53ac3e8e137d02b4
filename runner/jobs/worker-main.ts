import { toPlainError, type FromWorker, type ToWorker } from './messages.js';
import { runJob } from './run-job.js';
import { Pause, watchMemory } from './supervision.js';

/** The entry of a worker process: jobs come and results go over the IPC channel; it ends with its coordinator. */
const send = (message: FromWorker): void => void process.send?.(message);

const pause = new Pause(() => send({ type: 'paused' }));
let stopping = new AbortController();

/** How often a job sends a sign of life, in ms. */
const pulse = 1000;
let lastSign = 0;

/** Awaited between two steps. */
function step(): Promise<void> {
  const now = performance.now();
  if (now - lastSign > pulse) {
    lastSign = now;
    send({ type: 'alive' });
  }
  return pause.point();
}

async function run({ job, memoryBytes }: Extract<ToWorker, { type: 'run' }>): Promise<void> {
  stopping = new AbortController();
  const { signal } = stopping;
  const watch = memoryBytes === null ? null : watchMemory(memoryBytes, (bytes) => send({ type: 'memory', bytes }));
  try {
    const result = await runJob(job, { onEvent: (event) => send({ type: 'event', event }), signal, pause: step });
    send({ type: 'done', result });
  } catch (error) {
    send({ type: 'error', error: toPlainError(error) });
  } finally {
    watch?.end();
  }
}

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'run':
      void run(message);
      break;
    case 'pause':
      pause.request();
      break;
    case 'resume':
      pause.release();
      break;
    case 'stop':
      stopping.abort();
      pause.release();
      break;
  }
});

// A terminal sends Ctrl-C to the whole process group; the coordinator decides what it means.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit(0));
