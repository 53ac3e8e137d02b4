import type { Command } from '../command.js';

/** Loads each command on demand; in the order of the help text. */
const loaders = {
  init: async () => (await import('./init.js')).init,
  data: async () => (await import('./data.js')).data,
  validate: async () => (await import('./validate.js')).validate,
  space: async () => (await import('./space.js')).space,
  run: async () => (await import('./run.js')).run,
  resume: async () => (await import('./resume.js')).resume,
  ask: async () => (await import('./ask.js')).ask,
  tell: async () => (await import('./tell.js')).tell,
  enqueue: async () => (await import('./enqueue.js')).enqueue,
  stop: async () => (await import('./stop.js')).stop,
  status: async () => (await import('./status.js')).status,
  note: async () => (await import('./note.js')).note,
  ui: async () => (await import('./ui.js')).ui,
  trials: async () => (await import('./trials.js')).trials,
  show: async () => (await import('./show.js')).show,
  pareto: async () => (await import('./pareto.js')).pareto,
  specialize: async () => (await import('./specialize.js')).specialize,
  shrink: async () => (await import('./shrink.js')).shrink,
  export: async () => (await import('./export.js')).exportTrials,
  evaluate: async () => (await import('./evaluate.js')).evaluate,
  tune: async () => (await import('./tune.js')).tune,
  quantize: async () => (await import('./quantize.js')).quantize,
  serve: async () => (await import('./serve.js')).serve,
  devices: async () => (await import('./devices.js')).devices,
  agent: async () => (await import('./agent.js')).agent,
  worker: async () => (await import('./worker.js')).worker,
  workers: async () => (await import('./workers.js')).workers,
  latency: async () => (await import('./latency/index.js')).latency,
  doctor: async () => (await import('./doctor.js')).doctor,
} satisfies Readonly<Record<string, () => Promise<Command>>>;
type Verb = keyof typeof loaders;

export const verbs = Object.keys(loaders) as readonly Verb[];

const isVerb = (word: string | undefined): word is Verb => word !== undefined && Object.hasOwn(loaders, word);

/** The command of that name; all commands when there is none. */
export const loadCommands = (name?: string): Promise<Command[]> =>
  Promise.all((isVerb(name) ? [name] : verbs).map((verb) => loaders[verb]()));
