import picocolors from 'picocolors';
import { describe, expect, it } from 'vitest';
import { createCounter } from '../../cli/progress/counter.js';
import { createProgressView } from '../../cli/progress/run-progress.js';
import type { Terminal } from '../../cli/output/terminal.js';
import type { RunEvent } from '../../runner/events.js';

function recorder(live: boolean): Terminal & { readonly text: () => string } {
  let text = '';
  return {
    colors: picocolors.createColors(false),
    live,
    columns: () => 80,
    out: () => undefined,
    err: (part) => void (text += part),
    text: () => text,
  };
}

const step = (worker: number, number: number, at: number): RunEvent => ({
  kind: 'trial-step',
  stage: 'search',
  worker,
  number,
  epoch: 0,
  epochs: 3,
  step: at,
  steps: 10,
  imagesPerSecond: 1234.5,
  loss: 0.5,
});

const story: readonly RunEvent[] = [
  { kind: 'phase', name: 'supernet', message: 'Training the supernet (2 epochs)' },
  { kind: 'progress', phase: 'supernet', done: 1, total: 20, unit: 'steps', detail: 'epoch 1/2, 90 images/s' },
  {
    kind: 'phase-epoch',
    phase: 'supernet',
    task: 'classification',
    epoch: 0,
    epochs: 2,
    validationAccuracy: 0.25,
    trainLoss: 2,
  },
  { kind: 'progress', phase: 'supernet', done: 11, total: 20, unit: 'steps', detail: 'epoch 2/2, 90 images/s' },
  { kind: 'progress', phase: 'supernet', done: 20, total: 20, unit: 'steps', detail: 'epoch 2/2, 90 images/s' },
  { kind: 'phase', name: 'search', message: 'Searching: 4 trials' },
  {
    kind: 'trial-asked',
    number: 0,
    genotypeId: '0-1',
    reason: 'mutation of trial 7',
    rejected: 3,
    choices: {},
    askMs: 1,
  },
  { kind: 'progress', phase: 'search', done: 0, total: 4, unit: 'trials' },
  step(0, 0, 1),
  step(1, 1, 2),
  {
    kind: 'trial-epoch',
    stage: 'search',
    worker: 0,
    number: 0,
    task: 'classification',
    epoch: 0,
    epochs: 3,
    validationAccuracy: 0.5,
    trainLoss: 1,
  },
  {
    kind: 'trial-finished',
    stage: 'search',
    number: 0,
    state: 'complete',
    values: { accuracy: 0.9, latency_ms: 0.25 },
  },
  { kind: 'frontier', members: [{ number: 0, values: { accuracy: 0.9 } }] },
  { kind: 'progress', phase: 'search', done: 1, total: 4, unit: 'trials' },
  { kind: 'trial-finished', stage: 'search', number: 1, state: 'failed', values: {}, message: 'loss is NaN' },
  { kind: 'warning', message: 'something is odd' },
  {
    kind: 'done',
    state: 'complete',
    workdir: 'runs/x',
    complete: 1,
    pruned: 0,
    failed: 1,
    seconds: 30,
    files: ['report.html'],
  },
];

/** Sends the events, one every ten seconds. */
function tell(live: boolean): string {
  const terminal = recorder(live);
  let now = 0;
  const view = createProgressView(terminal, () => now);
  for (const event of story) {
    view.observe(event);
    now += 10_000;
  }
  view.close();
  return terminal.text();
}

/** One movement or erasure of the cursor. */
const escape = String.fromCharCode(27);
const moves = new RegExp(`${escape}\\[(\\d*)([AJ])`, 'g');

/** Final screen of a terminal after all cursor movements and erasures. */
function screen(text: string): string[] {
  let lines: string[] = [''];
  for (const part of text.split(new RegExp(`(${escape}\\[\\d*[AJ]|\n)`))) {
    const [move] = part.matchAll(moves);
    if (part === '\n') lines.push('');
    else if (part.startsWith(escape))
      lines = move[2] === 'A' ? [...lines.slice(0, lines.length - 1 - Number(move[1])), ''] : lines;
    else lines[lines.length - 1] += part;
  }
  return lines.filter((line) => line !== '');
}

describe('progress', () => {
  it('is plain lines in a log', () => {
    expect(tell(false)).toMatchInlineSnapshot(`
      "Training the supernet (2 epochs)
      supernet epoch 1/2: validation accuracy of its largest network 25.00 %, loss 2.0000
      supernet: 11 of 20 steps, 18 s left
      supernet: 20 of 20 steps
      Searching: 4 trials
      trial 0 asked: mutation of trial 7 (3 rejected before)
      trial 0 epoch 1/3: validation accuracy 50.00 %, loss 1.0000
      trial 0 complete: accuracy 90.00 %, latency 0.25 ms
      search: 1 of 4 trials, 3 min left
      trial 1 failed: loss is NaN
      warning: something is odd
      complete: 1 trial complete, 1 failed, 30 s since the start of this command; results in runs/x (report.html)
      "
    `);
  });

  it('has the precision, in runs with several', () => {
    const terminal = recorder(false);
    const view = createProgressView(terminal, () => 0);
    const interval = [0.2, 0.3] as const;
    const events: readonly RunEvent[] = [
      { kind: 'trial-finished', stage: 'search', number: 0, state: 'complete', precision: 'int8', values: {} },
      { kind: 'measured', purpose: 'frontier', precision: 'fp32', number: 0, ms: 0.25, interval, converged: true },
      { kind: 'prediction-quality', precision: 'int8', count: 5, unreliable: 0, mape: 2.5, spearman: 1 },
    ];
    for (const event of events) view.observe(event);
    view.close();
    expect(terminal.text().split('\n').slice(0, 3)).toEqual([
      'trial 0 complete in int8',
      'trial 0 measured in fp32: 0.25 ms',
      'latency model in int8: mean error 2.5 %, rank correlation 1.000 over 5 reliable measurements',
    ]);
  });

  it('has the time that is left of a budget', () => {
    const terminal = recorder(false);
    const view = createProgressView(terminal, () => 0);
    const progress = { kind: 'progress', phase: 'search', total: 4, unit: 'trials', budgetSeconds: 200 } as const;
    for (const done of [0, 1]) view.observe({ ...progress, done });
    view.close();
    expect(terminal.text()).toBe('search: 1 of 4 trials, 3 min of the budget\n');
  });

  it('leaves permanent lines on a terminal', () => {
    expect(screen(tell(true))).toMatchInlineSnapshot(`
      [
        "trial 0 asked: mutation of trial 7 (3 rejected before)",
        "trial 0 complete: accuracy 90.00 %, latency 0.25 ms",
        "trial 1 failed: loss is NaN",
        "warning: something is odd",
        "complete: 1 trial complete, 1 failed, 30 s since the start of this command; results in runs/x (report.html)",
      ]
    `);
  });

  it('shows workers, rate and ETA within the width', () => {
    const text = tell(true);
    expect(text).toContain('worker 1: trial 1, epoch 1/3, step 2/10, 1235 images/s');
    expect(text).toMatch(/1\/4 trials, 3 min left, frontier 1, best 90.00 %/);
    for (const line of text.replace(moves, '').split('\n'))
      if (line.includes('worker')) expect(line.length).toBeLessThan(80);
  });
});

describe('progress of a run on many machines', () => {
  const started = (worker: number, number: number, host?: string, fromEpoch = 0): RunEvent => ({
    kind: 'trial-started',
    stage: 'search',
    worker,
    number,
    fromEpoch,
    ...(host !== undefined && { host }),
  });
  const done: RunEvent = {
    kind: 'done',
    state: 'complete',
    workdir: 'runs/x',
    complete: 8,
    pruned: 0,
    failed: 0,
    seconds: 30,
    files: [],
  };
  function output(live: boolean, events: readonly RunEvent[], rows = 24): string {
    const terminal = { ...recorder(live), rows: () => rows };
    let now = 0;
    const view = createProgressView(terminal, () => (now += 10_000));
    for (const event of events) view.observe(event);
    return terminal.text();
  }

  it('logs assignments, and finally the trials of each machine', () => {
    const hosts = [
      { host: 'alder', trials: 5 },
      { host: 'birch', trials: 3 },
      { host: 'cedar', trials: 0 },
    ];
    expect(output(false, [started(0, 0, 'alder'), started(1, 1), started(1, 2, 'birch', 2), { ...done, hosts }]))
      .toMatchInlineSnapshot(`
        "trial 0 runs on alder
        trial 2 runs on birch, from epoch 3
        complete: 8 trials complete on 3 hosts (alder 5 trials, birch 3), 30 s since the start of this command; results in runs/x
        "
      `);
    expect(output(false, [{ ...done, hosts: hosts.slice(0, 1) }])).toContain(
      'on alder, 30 s since the start of this command; results',
    );
    const many = Array.from({ length: 9 }, (_, i) => ({ host: `host-${i}`, trials: 9 - i }));
    expect(output(false, [{ ...done, hosts: many }])).toContain('host-5 4, 3 others 6), 30 s since');
  });

  it('names machines in the lines of workers when there are several', () => {
    const events = [started(0, 0, 'alder'), started(1, 1, 'alder'), step(0, 0, 1), step(1, 1, 1)];
    expect(output(true, events)).toContain('  worker 1: trial 1');
    const moved = output(true, [...events, started(2, 1, 'birch'), step(2, 1, 2)]);
    const last = moved.slice(moved.lastIndexOf(`${escape}[`));
    expect(last).toContain('worker 0 on alder: trial 0');
    expect(last).toContain('worker 2 on birch: trial 1');
    expect(last).not.toContain('worker 1');
  });

  it('draws no more lines than the screen has', () => {
    const events = Array.from({ length: 40 }, (_, i) => [started(i, i, `host-${i}`), step(i, i, 1)]).flat();
    const text = output(true, [{ kind: 'phase', name: 'search', message: 'Searching' }, ...events], 12);
    const last = text.slice(text.lastIndexOf(`${escape}[`));
    expect(last.trimEnd().split('\n').length).toBeLessThan(12);
    expect(last).toContain('and 32 other workers');
  });
});

describe('the counter', () => {
  /** Output while counting to `total` in steps of some ms. */
  function count(live: boolean, things: number, each: number): string {
    let [now, text] = [1e6, ''];
    const counter = createCounter({ live, err: (part) => (text += part) }, () => now);
    const show = counter.show('images');
    for (let done = 1; done <= things; done++) {
      now += each;
      show(done, things);
    }
    counter.close();
    return text;
  }

  it('redraws one line on a terminal, and erases it', () => {
    const text = count(true, 100, 10);
    expect(text).toContain('images: 100 of 100');
    expect(text.split('images').length).toBeLessThan(15);
    expect(text).not.toContain('\n');
    expect(text.endsWith('\r\u001b[K')).toBe(true);
  });

  it('writes occasional lines elsewhere, none for short work', () => {
    expect(count(false, 100, 300)).toBe('images: 34 of 100\nimages: 68 of 100\n');
    expect(count(false, 100, 10)).toBe('');
  });
});
