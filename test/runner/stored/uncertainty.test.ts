import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  surelyBetter,
  isSure,
  judgedPairs,
  placeText,
  shareCertainty,
  standardErrorOf,
} from '../../../base/certainty.js';
import { Random } from '../../../base/random.js';
import { contenders, type Estimated, rivalsOf } from '../../../reports/read-model/rivals.js';
import { acrossSessions, LatencyEvidence, sessionSpread, sessionsOf } from '../../../runner/stored/uncertainty.js';
import type { BriefMeasurement } from '../../../store/index.js';
import { objectives } from '../../search/support.js';

const measured = (id: number, rest: Partial<BriefMeasurement> = {}): BriefMeasurement => ({
  id,
  trial: id,
  genotypeId: `g${id}`,
  purpose: 'trial',
  precision: 'fp32',
  device: 'local',
  ms: 1,
  interval: [0.99, 1.01],
  takenAt: 10_000 * id,
  reliable: true,
  reasons: [],
  ...rest,
});

/** Networks that are measured in several sessions, whose levels differ by a known share. */
function repeated(networks: number, sessions: number, share: number, random: Random): BriefMeasurement[] {
  const levels = Array.from({ length: sessions }, () => Math.exp(share * random.normal()));
  return levels.flatMap((level, session) =>
    Array.from({ length: networks }, (_, network) => {
      const ms = (1 + network) * level * Math.exp(0.002 * random.normal());
      const interval = [ms * (1 - 1.96 * 0.002), ms * (1 + 1.96 * 0.002)] as const;
      const takenAt = 60_000 * session + network;
      return measured(session * networks + network, {
        genotypeId: `g${network}`,
        purpose: 'frontier',
        ms,
        interval,
        takenAt,
      });
    }),
  );
}

const candidate = (number: number, accuracy: number, latency: number, half = 0): Estimated => ({
  number,
  state: 'complete',
  values: { accuracy, latency_ms: latency },
  certainty: {
    accuracy: { interval: [accuracy - half, accuracy + half] },
    latency_ms: { interval: [latency - half, latency + half] },
  },
});

describe('the error of an accuracy', () => {
  it('is binomial: 88.8 % of 6,000 images is known to 0.4 points', () => {
    expect(standardErrorOf(0.888, 6000)).toBeCloseTo(Math.sqrt((0.888 * 0.112) / 6000), 4);
  });

  it('shrinks with images, and its interval contains the share within [0, 1]', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 1e6 }), (share, images) => {
        const { interval, standardError } = shareCertainty(share, images);
        expect(interval[0]).toBeLessThanOrEqual(share);
        expect(interval[1]).toBeGreaterThanOrEqual(share);
        expect(interval[0]).toBeGreaterThanOrEqual(0);
        expect(interval[1]).toBeLessThanOrEqual(1);
        expect(standardError).toBeGreaterThan(0);
        expect(standardErrorOf(share, 4 * images + 12)).toBeLessThan(standardError ?? 0);
      }),
    );
  });
});

describe('sessions', () => {
  it('hold what was measured together; each trial is one, in all of its precisions', () => {
    const sessions = sessionsOf([
      measured(1, { trial: null, purpose: 'calibration', takenAt: 1000 }),
      measured(2, { trial: null, purpose: 'calibration', takenAt: 1001 }),
      measured(3, { trial: 0, takenAt: 1100 }),
      measured(4, { trial: 0, precision: 'int8', takenAt: 1101 }),
      measured(5, { trial: 1, takenAt: 1150 }),
      measured(6, { trial: 0, purpose: 'frontier', takenAt: 9000 }),
      measured(7, { trial: 1, purpose: 'frontier', takenAt: 9001 }),
      measured(8, { trial: 0, purpose: 'frontier', takenAt: 99_000 }),
    ]);
    expect([...sessions.values()]).toEqual([1, 1, 2, 2, 3, 4, 4, 5]);
  });

  it('differ by a spread that repeated measurements reveal', () => {
    const estimates = Array.from({ length: 40 }, (_, seed) => {
      const all = repeated(4, 6, 0.05, new Random(seed, 'sessions'));
      return sessionSpread(all, sessionsOf(all))?.share ?? 0;
    });
    const mean = Math.sqrt(estimates.reduce((sum, share) => sum + share ** 2, 0) / estimates.length);
    expect(mean).toBeGreaterThan(0.045);
    expect(mean).toBeLessThan(0.055);
  });

  it('do not differ where intervals explain all differences', () => {
    const all = repeated(6, 5, 0, new Random(1, 'sessions'));
    expect(sessionSpread(all, sessionsOf(all))?.share).toBeLessThan(0.002);
  });

  it('say nothing with too few repeated measurements', () => {
    const once = [measured(1), measured(2), measured(3)];
    expect(sessionSpread(once, sessionsOf(once))).toBeNull();
    const two = repeated(1, 2, 0.05, new Random(1, 'sessions'));
    expect(sessionSpread(two, sessionsOf(two))).toBeNull();
  });

  it('widen intervals, never narrow them', () => {
    const spreads = fc.record({
      share: fc.double({ min: 0, max: 0.5, noNaN: true }),
      networks: fc.constant(3),
      freedom: fc.integer({ min: 2, max: 100 }),
    });
    fc.assert(
      fc.property(spreads, fc.double({ min: 0.01, max: 100, noNaN: true }), (spread, ms) => {
        const interval = [0.98 * ms, 1.03 * ms] as const;
        const [low, high] = acrossSessions({ ms, interval }, spread);
        expect(low).toBeLessThanOrEqual(interval[0] * (1 + 1e-9));
        expect(high).toBeGreaterThanOrEqual(interval[1] * (1 - 1e-9));
        expect(low).toBeGreaterThan(0);
      }),
    );
    expect(acrossSessions({ ms: 1, interval: [0.9, 1.1] }, null)).toEqual([0.9, 1.1]);
  });

  it('cover the true latency in at least 95 % of cases', () => {
    let covered = 0;
    const runs = 400;
    for (let seed = 0; seed < runs; seed++) {
      const all = repeated(1, 6, 0.05, new Random(seed, 'coverage'));
      const [first] = all;
      const [low, high] = acrossSessions(first, sessionSpread(all, sessionsOf(all)));
      if (low <= 1 && 1 <= high) covered++;
    }
    expect(covered / runs).toBeGreaterThan(0.94);
  });
});

describe('the latency of a trial', () => {
  const evidence = new LatencyEvidence([
    measured(1, {
      trial: 7,
      genotypeId: 'a',
      ms: 0.0638,
      interval: [0.0636, 0.064],
      reliable: false,
      reasons: ['busy 1.1'],
    }),
    measured(2, { trial: 8, genotypeId: 'b', reliable: false, reasons: ['busy 1.3', 'disturbed'] }),
    measured(3, { trial: 7, genotypeId: 'a', purpose: 'frontier', ms: 0.0442, interval: [0.0439, 0.0447] }),
  ]);

  it('is the last one beside the frontier, or else its own first one', () => {
    expect([evidence.of(7, 'fp32')?.ms, evidence.of(8, 'fp32')?.ms, evidence.of(9, 'fp32')]).toEqual([
      0.0442,
      1,
      undefined,
    ]);
  });

  it('says which session it is of, and what its interval includes', () => {
    expect(evidence.explanation(evidence.measurements[2])).toBe(
      'Measured in session 3, side by side with the frontier. Too few networks were measured in several reliable sessions: the interval is of this session only.',
    );
  });

  it('is in doubt with its reasons, and a run with the most frequent one and the command to run', () => {
    expect(evidence.certainty(evidence.measurements[1]).unreliable).toBe('busy 1.3; disturbed');
    expect(evidence.certainty(evidence.measurements[2])).not.toHaveProperty('unreliable');
    expect(evidence.warning('runs/my run', [{ number: 7 }, { number: 8 }])).toEqual({
      measured: 2,
      unreliable: 1,
      members: 1,
      reason: 'busy 1.3',
      command: "nas latency measure 'runs/my run' --frontier",
    });
    expect(new LatencyEvidence([measured(1)]).warning('runs/a', [])).toBeNull();
  });
});

describe('a place on the frontier', () => {
  const points = fc.array(
    fc.record({
      accuracy: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
      latency: fc.integer({ min: 1, max: 100 }).map((ms) => ms / 100),
      half: fc.constantFrom(0, 0.01, 0.1),
    }),
    { minLength: 1, maxLength: 30 },
  );
  const candidatesOf = (from: readonly { accuracy: number; latency: number; half: number }[], half?: number) =>
    from.map((point, i) => candidate(i, point.accuracy, point.latency, half ?? point.half));

  it('is sure where values are exact', () => {
    fc.assert(
      fc.property(points, (drawn) => {
        const all = candidatesOf(drawn, 0);
        const members = all.filter((one) => rivalsOf(one, all, objectives).length === 0);
        for (const member of members)
          expect(
            all.some(
              ({ values }) =>
                values['accuracy'] >= member.values['accuracy'] && values['latency_ms'] < member.values['latency_ms'],
            ),
          ).toBe(false);
      }),
    );
  });

  it('depends on noise where another one may dominate it, and never on one that is surely worse in an objective', () => {
    const [a, b, c] = [
      candidate(1, 0.87, 0.044, 0.01),
      candidate(2, 0.865, 0.045, 0.01),
      candidate(3, 0.7, 0.02, 0.001),
    ];
    expect(rivalsOf(a, [a, b, c], objectives)).toEqual([2]);
    expect(rivalsOf(c, [a, b, c], objectives)).toEqual([]);
    fc.assert(
      fc.property(points, (drawn) => {
        const all = candidatesOf(drawn);
        for (const member of all)
          for (const rival of rivalsOf(member, all, objectives)) {
            const other = all[rival];
            for (const { name, direction } of objectives)
              expect(
                surelyBetter(
                  direction,
                  { value: member.values[name], certainty: member.certainty?.[name] },
                  { value: other.values[name], certainty: other.certainty?.[name] },
                ),
              ).toBe(false);
          }
      }),
    );
  });

  it('is open to every member, and to none that a member surely dominates', () => {
    const [member, near, far] = [
      candidate(1, 0.9, 1, 0.01),
      candidate(2, 0.895, 1.005, 0.01),
      candidate(3, 0.8, 2, 0.01),
    ];
    expect(contenders([member, near, far], [member], objectives)).toEqual([member, near]);
  });
});

it('the place of a member is sure without rivals and unreliable values', () => {
  const interval = [1, 2] as const;
  const busy = { latency_ms: { interval, unreliable: 'busy' } };
  const places = [
    {},
    { certainty: { latency_ms: { interval } } },
    { certainty: busy },
    { rivals: [3], certainty: busy },
  ];
  expect(places.map((place) => [isSure(place), placeText(place)])).toEqual([
    [true, 'sure'],
    [true, 'sure'],
    [false, 'not sure: unreliable latency'],
    [false, 'within noise of #3; unreliable latency'],
  ]);
});

describe('the pairs of a model error', () => {
  it('are the reliable ones, or all where there are fewer than three', () => {
    const pairs = [{ n: 1 }, { n: 2, unreliable: 'busy' }, { n: 3 }, { n: 4 }];
    expect(judgedPairs(pairs).map(({ n }) => n)).toEqual([1, 3, 4]);
    expect(judgedPairs(pairs.slice(0, 3)).map(({ n }) => n)).toEqual([1, 2, 3]);
  });
});
