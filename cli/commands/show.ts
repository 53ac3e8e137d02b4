import { percentilesText } from '../../base/number-text.js';
import { invalidInput } from '../../base/errors.js';
import { estimateText } from '../../base/certainty.js';
import { mainScores, scoreText, classFacts } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import {
  bytes,
  collectMember,
  collectAssignments,
  collectTrial,
  count,
  ms,
  finalTitle,
  foldsText,
  foldsTitle,
  objectiveValue,
  percent,
  searchTitle,
  testTitle,
  type CurvePoint,
  type FinalResult,
  type ReportCosts,
  type ReportMember,
} from '../../reports/index.js';
import { experimentOf, objectivesOf, taskOfRun } from '../../runner/stored/experiment.js';
import type { Objective } from '../../search/index.js';
import { command, jsonOption } from '../command.js';
import { withRun } from '../open-run.js';
import { classListing } from '../output/classes.js';
import { assignmentsTable } from '../output/runs.js';
import { type Colors, json, renderFacts, renderTable, numeric, type Fact } from '../output/terminal.js';
import { filesOf, precisionsListing } from '../output/trials.js';

function latencyFacts({ latency, predicted }: ReportMember): Fact[] {
  const facts: Fact[] = [];
  if (predicted !== null)
    facts.push([
      'predicted latency',
      `${ms(predicted.ms)} ± ${ms(predicted.std)} (${percent(predicted.coverage)} covered)`,
    ]);
  if (latency === null) return facts;
  const { interval, unreliable } = latency.certainty;
  const [low, high] = interval;
  return [
    ...facts,
    [
      'measured latency',
      `${ms(latency.ms)} (95 % interval ${ms(low)} to ${ms(high)}${latency.converged ? '' : ', still wide'})`,
    ],
    ...(unreliable === undefined ? [] : [['not reliable', unreliable] satisfies Fact]),
    ['session', latency.explanation],
    ['percentiles', percentilesText(latency)],
    ['device', latency.on],
  ];
}

const costFacts = (costs: ReportCosts): Fact[] => [
  ['MACs', count(costs.macs)],
  ['parameters', count(costs.params)],
  ['activation memory', bytes(costs.activationBytes)],
  ['weights', bytes(costs.sizeBytes)],
];

const finalFacts = (task: TaskType, final: FinalResult, objectives: readonly Objective[]): (Fact | false)[] => {
  const { unit } = mainScores[task];
  return [
    final.epochs > 0 && [
      finalTitle(task, [final]),
      final.message ?? estimateText(unit, final.accuracy, final.standardError),
    ],
    final.folds !== undefined && [foldsTitle(task, [final]), foldsText(task, final)],
    [testTitle(task, objectives, [final]), estimateText(unit, final.testAccuracy, final.testStandardError)],
  ];
};

function memberFacts(task: TaskType, member: ReportMember, objectives: readonly Objective[]): (Fact | false)[] {
  const { costs, final } = member;
  return [
    ['trial', `${member.number} (${member.state}${member.message === null ? '' : `: ${member.message}`})`],
    ['genotype', member.genotypeId],
    member.tags !== undefined && ['tags', member.tags.join(' ')],
    member.note !== undefined && ['note', member.note],
    member.precision !== undefined && ['precision', member.precision ?? '-'],
    ...objectives.map(({ name }): Fact => [
      searchTitle(name),
      `${objectiveValue(name, member.values[name], member.certainty?.[name])}${name in member.provenance ? ` (${member.provenance[name]})` : ''}`,
    ]),
    ...(member.classes === undefined ? [] : classFacts(member.classes)),
    ...latencyFacts(member),
    ...(final === null ? [] : finalFacts(task, final, objectives)),
    ...(costs === null ? [] : costFacts(costs)),
    ...filesOf(member).map(({ kind, path }): Fact => [kind, path]),
  ];
}

function curve(task: TaskType, title: string, points: readonly CurvePoint[], colors: Colors): string {
  if (points.length === 0) return '';
  const { title: score, ofTraining } = mainScores[task];
  const columns = [
    numeric('epoch', ({ epoch }: CurvePoint) => `${epoch + 1}`),
    numeric('train loss', ({ trainLoss }: CurvePoint) => trainLoss.toFixed(4)),
    numeric('validation loss', ({ validationLoss }: CurvePoint) => validationLoss.toFixed(4)),
    ...(ofTraining
      ? [numeric(`train ${score}`, ({ trainAccuracy }: CurvePoint) => scoreText(task, trainAccuracy))]
      : []),
    numeric(`validation ${score}`, (p: CurvePoint) => scoreText(task, p.validationAccuracy)),
  ];
  return `\n${colors.bold(title)}\n${renderTable(columns, points, colors)}`;
}

export const show = command({
  usage: 'show <workdir> <trial>',
  summary: 'Show one trial: network, decisions, costs, latency, learning curves, files',
  examples: [['show runs/quickstart 7', 'everything about trial 7']],
  options: (yargs) =>
    yargs
      .positional('workdir', { type: 'string', demandOption: true, describe: "A run's folder" })
      .positional('trial', { type: 'number', demandOption: true, describe: 'Number of the trial' })
      .option('json', jsonOption),
  run: ({ workdir, trial: number, json: asJson }, { out, colors }) =>
    withRun(workdir, async (store) => {
      const trial = Number.isInteger(number) ? collectTrial(store, number) : undefined;
      if (trial === undefined) {
        const asked = Object.values(store.trials.progress()).reduce((sum, trials) => sum + trials, 0);
        const there = asked === 0 ? 'this run has no trials yet' : `there are trials 0 to ${asked - 1}`;
        throw invalidInput(`${workdir} has no trial ${number}; ${there}`, {
          hint: `nas trials ${workdir} lists them.`,
        });
      }
      const member = await collectMember(store, trial);
      const assignments = collectAssignments(store, number);
      if (asJson) {
        out(json({ ...member, ...(assignments.length > 0 && { assignments }) }));
        return;
      }
      const task = taskOfRun(experimentOf(store));
      out(renderFacts(memberFacts(task, member, objectivesOf(store)), colors));
      out(precisionsListing(task, member, colors));
      if (member.classes !== undefined) out(classListing(member.classes, colors));
      if (member.network !== null) {
        const { describeNetwork } = await import('../../spaces/index.js');
        out(`\n${colors.bold('Network')}\n${describeNetwork(member.network)}\n`);
      }
      const decisions = Object.entries(member.choices).map(([name, choice]) => [name, String(choice)] as const);
      out(`\n${colors.bold('Decisions')}\n${renderFacts(decisions, colors)}`);
      out(curve(task, 'Search', member.curves.search, colors));
      out(curve(task, 'Final training', member.curves.final, colors));
      out(assignmentsTable(assignments, colors));
    }),
});
