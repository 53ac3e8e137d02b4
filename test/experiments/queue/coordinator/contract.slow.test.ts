import { describeHangingWorkers } from '../../runner/jobs/describe-job-runner.js';
import { describeQueueRunner } from './describe-queue-runner.js';

describeQueueRunner(describeHangingWorkers);
