import { z } from 'zod';

/** Tag of a queue worker, such as `gpu` or `pi5`. */
export const tagSchema = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,31}$/, 'is a word of letters, digits, dots and dashes, at most 32');

const batch = z.number().int().min(1).max(4096).default(1).describe('images for each run');

export const precisions = ['fp32', 'fp16', 'int8'] as const;
export type Precision = (typeof precisions)[number];

/** ONNX Runtime's settings. */
const runtimeShape = {
  provider: z.string().default('cpu').describe('ONNX Runtime execution provider, as `nas devices` lists them'),
  threads: z.number().int().min(1).default(1).describe('threads within an operator'),
  batch,
  precision: z
    .enum(precisions)
    .optional()
    .describe(
      'precision of the models: a model that is executed in another precision is rejected, never converted; by default each is measured as it is and labelled by its executed precision',
    ),
};

const localSchema = z
  .strictObject({ type: z.literal('local').default('local'), ...runtimeShape })
  .describe('this machine, through ONNX Runtime');
export type LocalConfig = z.output<typeof localSchema>;

const browserSchema = z
  .strictObject({
    type: z.literal('browser'),
    provider: z.enum(['wasm', 'webgpu']).default('wasm').describe('what onnxruntime-web runs on'),
    threads: z.number().int().min(1).default(1).describe('threads of wasm'),
    batch,
    executable: z
      .string()
      .optional()
      .describe('the browser: Chromium, Chrome or Edge; by default CHROMIUM_PATH or the usual places'),
  })
  .describe('a real browser without a window, through onnxruntime-web and playwright-core');
export type BrowserConfig = z.output<typeof browserSchema>;

const agentSchema = z
  .strictObject({
    type: z.literal('agent'),
    url: z
      .url({ protocol: /^https?$/, error: 'is not an address like http://192.168.1.20:7700' })
      .describe('where `nas agent` listens'),
    token_file: z.string().optional().describe('file with the token that the agent asks for'),
    patience_s: z
      .number()
      .min(0)
      .default(60)
      .describe('seconds without an answer after which the agent counts as gone'),
  })
  .describe('another machine on which `nas agent` runs, with the device of the agent');
export type AgentConfig = z.output<typeof agentSchema>;

const tableSchema = z
  .strictObject({
    type: z.literal('table'),
    file: z.string().describe("CSV with a column for each decision of the space, under the decision's name"),
    column: z.string().describe('the column with the latencies in ms'),
    missing: z
      .enum(['predict', 'fail'])
      .default('predict')
      .describe('networks without a row: predicted by a model fitted to the table, or their trial fails'),
  })
  .describe('latencies that were measured elsewhere');
export type TableConfig = z.output<typeof tableSchema>;

const workerSchema = z
  .strictObject({
    type: z.literal('worker'),
    tag: tagSchema.describe('what `nas worker --tag` says on that machine, or on several of the same kind'),
    ...runtimeShape,
  })
  .describe('a machine of `workers: {type: queue}`, through ONNX Runtime; nothing trains on it meanwhile');
export type WorkerConfig = z.output<typeof workerSchema>;

const serialSchema = z
  .strictObject({
    type: z.literal('serial'),
    port: z.string().min(1).describe('the serial port, such as /dev/ttyACM0 or COM3'),
    baud: z.number().int().min(300).default(115_200).describe('bits a second'),
    build: z
      .string()
      .optional()
      .describe('shell command that compiles the C of a network, in the folder {model}, for the board'),
    flash: z
      .string()
      .optional()
      .describe(
        'shell command that writes the program to the board; {port} is the serial port. Without it, the board has to run the benchmark of the network already',
      ),
    board: z.string().optional().describe('what tables call the board; by default the port'),
    silence_s: z
      .number()
      .gt(0)
      .max(600)
      .default(30)
      .describe('seconds without a run of the network after which the board counts as gone'),
  })
  .describe('a microcontroller on a serial line, which runs the C of nas export --to c in int8');
export type SerialConfig = z.output<typeof serialSchema>;

const devices = z.discriminatedUnion('type', [
  localSchema,
  browserSchema,
  serialSchema,
  agentSchema,
  tableSchema,
  workerSchema,
]);
/** A device in an experiment or on the command line, with every default filled in. */
export type DeviceConfig = z.output<typeof devices>;

/** A device that any process can use; a worker needs the queue of a run. */
export type ReachableDevice = Exclude<DeviceConfig, WorkerConfig>;

export const reachableTypes = [
  'local',
  'browser',
  'serial',
  'agent',
  'table',
] as const satisfies readonly ReachableDevice['type'][];

export const deviceTypes = [...reachableTypes, 'worker'] as const satisfies readonly DeviceConfig['type'][];

/** A word is a type; a map without a type is this machine. */
function typed(value: unknown): unknown {
  if (typeof value === 'string') return { type: value };
  return typeof value === 'object' && value !== null && !('type' in value) ? { type: 'local', ...value } : value;
}

/** A device as written in YAML: a map, or its type alone. */
export const deviceSchema = z.preprocess(typed, devices);

const modelFile = z.string().endsWith('.json', 'is a .json file').optional();

/** A latency model for each precision. */
const modelFiles = z.strictObject({
  fp32: modelFile.describe('predicts float32 networks'),
  int8: modelFile.describe('predicts networks with eight-bit integers'),
});

/** `latency:`; the device, the hard budget, and the predictor. */
export const latencySchema = z.strictObject({
  device: deviceSchema.prefault({ type: 'local' }).describe('what latency is measured on'),
  budget_ms: z
    .number()
    .gt(0)
    .optional()
    .describe('hard limit in ms for one batch: the same as a `max` constraint on `latency_ms`'),
  predictor: z
    .union([z.enum(['auto', 'none']), z.string().endsWith('.json', 'is auto, none, or a .json file'), modelFiles])
    .default('auto')
    .describe(
      'auto: predict latency before training, from measurements of this run; none: measure every candidate; a .json file of `nas latency fit`: predict by that model; one for each precision where candidates have several: {fp32: a.json, int8: b.json}',
    ),
  from: z
    .string()
    .optional()
    .describe(
      "workdir of another run, or a .json file of `nas latency fit`: every latency is predicted by the model of that run's measurements, or by that file, and nothing is measured, so that two runs with the same `from` have the same trials",
    ),
  calibration: z
    .number()
    .int()
    .min(4)
    .max(200)
    .default(12)
    .describe('networks measured (untrained) before the first trial to fit the predictor'),
});
export type LatencyConfig = z.output<typeof latencySchema>;
