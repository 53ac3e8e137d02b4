import { describeHangingWorkers, describeJobRunner } from '../../runner/jobs/describe-job-runner.js';
import { describeQueueRunner } from './describe-queue-runner.js';

describeQueueRunner(describeJobRunner);
describeQueueRunner(describeHangingWorkers);
