import { when, type TrainingCheck } from './contradiction.js';

/** Workers are measured on through the queue that they take jobs from. */
const device: TrainingCheck = ({ latency: { device: measured }, workers }) => {
  const message =
    'got "worker"; such a device is a machine of a queue: expected workers: {type: queue, url: ...} beside it, or another device';
  return when(measured.type === 'worker' && workers.type !== 'queue', ['latency', 'device', 'type'], message);
};

/** What trains must not depend on what happens to be installed where `nas run` is. */
const engine: TrainingCheck = ({ engine: { type, backend, provider }, workers }) => {
  if (workers.type !== 'queue') return [];
  const eager =
    'got "eager"; with a queue every machine must take the same backend: expected engine.backend, cpu or tensorflow, beside it';
  const card = `got "${provider ?? ''}"; graphics cards are not among what machines of a queue are told apart by: expected workers.tag, of those that have one, and workers.mixed: true, as two cards give other last bits; or cpu`;
  const isCard = provider !== undefined && provider !== 'cpu';
  return [
    ...when(type === 'eager' && backend === undefined, ['engine', 'type'], eager),
    ...when(isCard && (workers.tag === undefined || !workers.mixed), ['engine', 'provider'], card),
  ];
};

/** What changes where others than this machine do the work. */
export const workerChecks: readonly TrainingCheck[] = [device, engine];
