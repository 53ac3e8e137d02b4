// Measures one training in a new process, so that memory figures include no other network. Started by `timeTraining`.
import { messageOf } from '../../base/errors.js';
import type { TimingJob, TimingReply } from './timing.js';
import { timeStep } from './time-step.js';

const reply = (message: TimingReply): void => void process.send?.(message, () => process.disconnect());

process.once('message', (job: TimingJob) => {
  timeStep(job).then(
    (timing) => reply({ timing }),
    (error: unknown) => reply({ error: messageOf(error) }),
  );
});
