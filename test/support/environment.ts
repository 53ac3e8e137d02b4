import type { Environment } from '../../latency-models/index.js';

/** The environment of made-up latencies. */
export const exampleEnvironment: Environment = {
  device: 'local',
  cpu: 'Example CPU @ 3.0 GHz',
  cores: 2,
  threads: 1,
  provider: 'cpu',
  batch: 1,
  runtime: 'onnxruntime-node 1.30.0, Node.js 20.20.2',
  load: 0.1,
  governor: null,
  platform: 'linux 6.1 x64',
};
