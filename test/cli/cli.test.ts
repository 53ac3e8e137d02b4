import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCommands, verbs } from '../../cli/commands/index.js';
import { processTerminal } from '../../cli/output/terminal.js';
import { createParser, unloadableModule } from '../../cli/run-command.js';
import { writeExperiment } from '../runner/experiment.js';
import { storedRunInPrecisions } from '../reports/read-model/precisions.js';
import { main, nas, nasInside, expectRefusal, nasOut } from './nas.js';
import { quietTerminal } from './quiet-terminal.js';
import { storedRun } from './stored-run.js';
import { lockWorkdir, Store } from '../../store/index.js';
import { newTrial } from '../store/support.js';
import { sharedFolder, temporaryFolder } from '../support/temporary.js';

const folder = sharedFolder();
const workdir = join(folder, 'runs', 'stored');
beforeAll(() => storedRun(workdir, 60));

const error = (text: string): { code: string; message: string; hint?: string } =>
  (JSON.parse(text) as { error: { code: string; message: string; hint?: string } }).error;

function errorOf(task: () => void): unknown {
  try {
    task();
  } catch (error) {
    return error;
  }
  return undefined;
}

const helpOf = async (line: readonly string[]): Promise<string> =>
  (await createParser(line, quietTerminal)).parser.getHelp();

describe('the command', () => {
  it('has a version and a help text', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await nas(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
    const help = await helpOf([]);
    for (const name of verbs) expect(help).toContain(`nas ${name}`);
  });

  it('has exactly these commands, each with help and examples', async () => {
    const commands = await loadCommands();
    expect(commands.map(({ name }) => name)).toEqual(verbs);
    expect(verbs.join(' ')).toBe(
      'init data validate space run resume ask tell enqueue stop status note ui trials show pareto specialize shrink export evaluate tune quantize serve devices agent worker workers latency doctor',
    );
    const lines = commands.flatMap((verb) =>
      verb.commands.length === 0 ? [[verb.name]] : verb.commands.map(({ name }) => [verb.name, name]),
    );
    for (const line of lines) {
      const help = await helpOf(line);
      expect(help).toContain('Examples:');
      expect(help).toContain(`nas ${line.join(' ')}`);
    }
    const help = await helpOf(['run']);
    expect(await nas(['run', '--help'])).toEqual({ code: 0, out: `${help}\n`, err: '' });
  });

  it.each([
    [['stauts', workdir], "there is no command 'stauts'; did you mean 'status'?"],
    [['frobnicate'], "there is no command 'frobnicate'"],
    [[], 'a command is missing'],
    [['status'], 'Not enough non-option arguments'],
    [['status', workdir, '--frob'], 'Unknown argument: frob'],
    [['trials', workdir, '--format', 'xml'], 'Invalid values'],
    [['status', join(folder, 'runs', 'stord')], `did you mean '${workdir}'?`],
    [['show', workdir, '600'], 'has no trial 600; there are trials 0 to 59'],
    [['show', workdir, 'seven'], 'trial: expected a number'],
    [['export', workdir, '--to', 'onnx', '-o', 'x'], 'which networks?'],
    [['export', workdir, '--trial', '1', '--pareto', '--to', 'onnx', '-o', 'x'], 'mutually exclusive'],
    [['export', workdir, '--trial', '1', '--to', 'onnx', '-o', join(folder, 'x')], 'has no trained weights'],
    [
      ['export', workdir, '--trial', '1', '--to', 'onnx', '--compressed', '-o', 'x'],
      'nas export --compressed was removed: gzip and brotli compress files',
    ],
    [['shrink', workdir, '5', '--latency', '2', '-o', 'x.onnx'], `nas shrink ${workdir} --trial 5 -o small.onnx`],
    [['export', workdir, '--shrunk', '--to', 'onnx', '-o', 'x'], 'nas export takes that file'],
    [['shrink', workdir, '--importance', 'l1'], 'nas shrink --importance was removed'],
    [['resume', folder], 'there is no run here'],
    [['run', join(folder, 'nowhere.yaml')], 'there is no such file'],
    [['validate', folder], 'is a folder'],
    [['evaluate', join(folder, 'x.onnx'), '--data', 'fashion-mnist'], 'cannot be read'],
  ])('refuses %j with exit code 2', async (args, message) => {
    await expectRefusal(nasInside(args), message);
  });

  it('prints errors as JSON with --json', async () => {
    const { code, err } = await nasInside(['status', folder, '--json']);
    expect(code).toBe(2);
    expect(error(err)).toMatchObject({ code: 'invalid-input', hint: expect.stringContaining('nas run') as string });
  });

  it('name a native module that this Node.js cannot load, and what mends it', () => {
    const file = join(folder, 'broken.node');
    writeFileSync(file, 'no library');
    expect(unloadableModule(errorOf(() => process.dlopen({ exports: {} }, file)))?.message).toMatch(
      /broken\.node: the module cannot be loaded: .*(file too short|ELF)/,
    );
    const built = Object.assign(
      new Error(`The module '/x/node_modules/better-sqlite3/build/Release/better_sqlite3.node'
was compiled against a different Node.js version using
NODE_MODULE_VERSION 115. This version of Node.js requires
NODE_MODULE_VERSION 137. Please try re-compiling or re-installing
the module (for instance, using \`npm rebuild\` or \`npm install\`).`),
      { code: 'ERR_DLOPEN_FAILED' },
    );
    expect(unloadableModule(new Error('the folder cannot be written', { cause: built }))).toMatchObject({
      message: expect.stringContaining('built for module version 115') as string,
      hint: 'Run `npm rebuild better-sqlite3` with the Node.js that runs nas.',
    });
    expect(unloadableModule(new Error('another'))).toBeUndefined();
  });

  it('shows a stack only with NAS_DEBUG', async () => {
    const damaged = join(folder, 'damaged');
    await storedRun(damaged, 1);
    writeFileSync(join(damaged, 'nas.sqlite'), Buffer.alloc(8192, 1));
    const plain = await nas(['status', damaged]);
    expect(plain.code).toBe(2);
    expect(plain.err).not.toMatch(/\n\s+at /);
    expect((await nas(['status', damaged], { env: { NAS_DEBUG: '1' } })).err).toMatch(/\n\s+at /);
  });

  it('ends silently when its reader closes the pipe', async () => {
    const shell = `"${process.execPath}" "${main}" trials "${workdir}" --json | head -1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', shell]);
    expect(stdout).toBe('[\n0\n');
    expect(stderr).toBe('');
  });
});

describe('nas init', () => {
  it('writes a valid experiment, and overwrites none', async () => {
    const target = join(folder, 'new', 'one');
    expect((await nasInside(['init', target])).code).toBe(0);
    const file = join(target, 'experiment.yaml');
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^# A first search/);
    expect(text).not.toContain('yaml-language-server');
    await expectRefusal(
      nasInside(['validate', file, '--set', 'engine.provider=tpu']),
      '--set engine.provider=tpu: engine.provider: the execution provider "tpu" is not available',
    );
    const valid = await nasInside(['validate', file]);
    expect({ code: valid.code, out: valid.out }).toEqual({
      code: 0,
      out: expect.stringContaining('valid: my-search') as string,
    });
    await expectRefusal(nasInside(['init', target]), 'already exists');
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

describe('nas validate and nas space', () => {
  const file = join(folder, 'experiment.yaml');
  beforeAll(() => writeFileSync(file, 'name: x\ndata: fashion-mnist\nspace: mobilenet\ntrain: {epohs: 3}\n'));

  it('report every mistake with its line', async () => {
    const err = await expectRefusal(
      nasInside(['validate', file, '--set', 'seed=-1']),
      `${file}:4:9: train.epohs: unknown key 'epohs'`,
    );
    expect(err).toContain('--set seed=-1: seed: got -1');
  });

  it('report a teacher whose file is not read', async () => {
    const graph = join(folder, 'graph');
    mkdirSync(graph);
    const model = { format: 'graph-model', modelTopology: { node: [] }, weightsManifest: [] };
    writeFileSync(join(graph, 'model.json'), JSON.stringify(model));
    const own = writeExperiment(folder, { name: 'graph', teacher: `{ type: file, path: ${graph} }` });
    const err = await expectRefusal(nasInside(['validate', own]), 'model.json cannot be loaded');
    expect(err).toContain('graph.yaml:');
  });

  it('report the position of an impossible space', async () => {
    const stages = 'space={type: mobilenet, stages: [{filters: 16, depth: 0}]}';
    await expectRefusal(nasInside(['space', file, '--set', 'train={}', '--set', stages]), `--set ${stages}: space: `);
  });

  it('print the resolved experiment and the space as JSON', async () => {
    const args = [file, '--set', 'train={epochs: 2}', '--json'];
    const [experiment, space] = await Promise.all([nasInside(['validate', ...args]), nasInside(['space', ...args])]);
    expect(JSON.parse(experiment.out)).toMatchObject({ train: { epochs: 2, batch: 128 } });
    const described = JSON.parse(space.out) as {
      size: string;
      smallest: { costs: { macs: number } };
      largest: { costs: { macs: number } };
    };
    expect(Number(described.size)).toBeGreaterThan(1000);
    expect(described.smallest.costs.macs).toBeLessThan(described.largest.costs.macs);
  });

  it('describe a ready-made space without an experiment', async () => {
    const { code, out } = await nasInside(['space', 'nas-bench-201']);
    expect(code).toBe(0);
    expect(out).toMatch(/networks +5,425/);
    expect((await nasInside(['space', 'no-such-space.yaml'])).code).toBe(2);
  });
});

describe('a stored run', () => {
  it('says what it trained on, and that a trial of a dead run waits for a resume', async () => {
    const dead = join(temporaryFolder(), 'dead');
    await storedRun(dead, 1);
    const store = Store.open(join(dead, 'nas.sqlite'));
    store.trials.ask(newTrial(1));
    store.trials.start(1);
    store.close();
    expect((await nasInside(['status', dead])).out).toMatch(/trains on +cpu \(x\)/);
    const { out } = await nasInside(['trials', dead]);
    expect(out).toContain('interrupted');
    expect(out).not.toContain('running');
  });

  it('has a status', async () => {
    const out = await nasOut('status', workdir, '--json');
    expect(JSON.parse(out)).toMatchObject({ name: 'stored', status: 'complete', counts: { complete: 60 } });
    expect((await nasInside(['status', workdir])).out).toContain('60 of 100000 complete');
  });

  it('says when its search may end while it goes on', async () => {
    const running = join(temporaryFolder(), 'running');
    await storedRun(running, 5);
    const store = Store.open(join(running, 'nas.sqlite'));
    store.run.setStatus('running');
    store.close();
    const lock = lockWorkdir(running);
    const { out } = await nasInside(['status', running]);
    lock.release();
    expect(out).toMatch(/ETA of the search +\d.*, by \S+ trials\/h/);
    expect((await nasInside(['status', running])).out).not.toContain('ETA');
  });

  it('is listed with the runs of its folder, also beside an unreadable one', async () => {
    const runs = dirname(workdir);
    await expectRefusal(nasInside(['status', runs, '--hash']), '--hash is of one run');
    const { out } = await nasInside(['status', runs]);
    expect(out).toMatch(/stored +complete +60 of 100000 +\d+ +accuracy \d\d\.\d\d %, latency \S+ ms/);
    const spoilt = join(runs, 'spoilt');
    mkdirSync(spoilt);
    writeFileSync(join(spoilt, 'nas.sqlite'), 'not a database');
    const listed = JSON.parse((await nasInside(['status', runs, '--json'])).out) as {
      workdir: string;
      problem?: string;
    }[];
    expect(listed.find((run) => run.workdir === spoilt)?.problem).toContain('not a database');
    rmSync(spoilt, { recursive: true });
  });

  it('lists its trials in every format', async () => {
    const [table, csv, json] = await Promise.all(
      ['table', 'csv', 'json'].map((format) => nasInside(['trials', workdir, '--format', format])),
    );
    expect(table.out.split('\n')).toHaveLength(62);
    expect(table.out).toContain('search accuracy');
    expect(table.out).not.toContain('\u001b');
    const [header, first] = csv.out.split('\n');
    expect(header).toMatch(/^trial,state,width,.*,accuracy,latency_ms$/);
    const trials = JSON.parse(json.out) as { values: { accuracy: number } }[];
    expect(trials).toHaveLength(60);
    expect(first.split(',').at(-2)).toBe(String(trials[0].values.accuracy));
  });

  it('lists a page of its trials, sorted', async () => {
    const best = await nasInside(['trials', workdir, '--sort', 'accuracy', '--limit', '2', '--format', 'json']);
    const all = JSON.parse((await nasInside(['trials', workdir, '--json'])).out) as { values: { accuracy: number } }[];
    const sorted = all.toSorted((a, b) => b.values.accuracy - a.values.accuracy);
    expect(JSON.parse(best.out)).toEqual(sorted.slice(0, 2));
    expect(best.err).toContain('2 of 60 trials');
    expect((await nasInside(['trials', workdir, '--state', 'failed', '--json'])).out).toBe('[]\n');
    expect((await nasInside(['trials', workdir, '--sort', 'speed'])).err).toContain('There are accuracy, latency_ms');
    expect((await nasInside(['trials', workdir, '--offset', '-1'])).code).toBe(2);
  });

  it('shows a trial, its frontier and charts', async () => {
    const picture = join(folder, 'frontier.svg');
    const [show, pareto, csv, json, svg] = await Promise.all([
      nasInside(['show', workdir, '0']),
      nasInside(['pareto', workdir]),
      nasInside(['pareto', workdir, '--format', 'csv']),
      nasInside(['pareto', workdir, '--json']),
      nasInside(['pareto', workdir, '--format', 'svg', '-o', picture]),
    ]);
    expect(show.out).toContain('stem: conv');
    expect(pareto.out).toContain('predicted');
    const report = JSON.parse(json.out) as { format: string; frontier: { number: number }[] };
    expect(report.format).toBe('nas-report-1');
    const numbers = csv.out
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => Number(line.split(',')[0]));
    expect(numbers).toEqual(report.frontier.map(({ number }) => number));
    expect(svg).toMatchObject({ code: 0, out: '' });
    expect(readFileSync(picture, 'utf8')).toMatch(/^<svg /);
  });

  it('has colours unless NO_COLOR or --no-color turns them off', () => {
    const isColored = (argv: string[], env: NodeJS.ProcessEnv) => processTerminal(argv, env).colors.bold('x') !== 'x';
    expect(isColored([], { FORCE_COLOR: '1' })).toBe(true);
    expect(isColored(['--no-color'], { FORCE_COLOR: '1' })).toBe(false);
    expect(isColored([], { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  });
});

describe('a stored run in two precisions', () => {
  const both = join(folder, 'both');
  beforeAll(async () => (await storedRunInPrecisions(both, 20)).close());

  it('has a summary of int8, and the precisions of the frontier', async () => {
    const [text, json] = await Promise.all([nasInside(['status', both]), nasInside(['status', both, '--json'])]);
    expect(text.out).toMatch(/\nprecisions +int8 chosen for 8 of 20 trials \(4 rejected by speed, /);
    expect(text.out).toMatch(/\nfrontier .* networks: trials \d+ int8/);
    const { frontier, candidates } = JSON.parse(json.out) as { frontier: number[]; candidates: { trial: number }[] };
    expect(new Set(candidates.map(({ trial }) => trial))).toEqual(new Set(frontier));
  });

  it('lists trials by precision, and shows a trial in both', async () => {
    const [list, first] = await Promise.all([
      nasInside(['trials', both, '--precision', 'int8', '--limit', '3', '--format', 'csv']),
      nasInside(['show', both, '0']),
    ]);
    expect(list.out).toMatch(
      /^trial,state,precision,.*\n3,complete,int8,.*\n4,complete,int8,.*\n8,complete,int8,.*\n$/,
    );
    expect(list.err).toContain('3 of 8 trials');
    expect(first.out).toMatch(/\nprecision +fp32\n/);
    expect(first.out).toContain('rejected: int8 is 0.80 × as fast (min_speedup 1.05)');
  });
});
