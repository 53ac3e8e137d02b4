import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../base/server.js';
import type { Clock, Store } from '../../store/index.js';
import { collectComparison, collectHypervolume } from './collect/comparison.js';
import { collectCurves, collectTexts, collectTrialsAnswer } from './collect/columns.js';
import { collectPredictions } from '../report/statistics.js';
import { collectRunAnswer } from './collect/run-answer.js';
import { collectTrialAnswer } from './collect/trial-answer.js';
import type { RunMemory } from './collect/run-memory.js';
import type { Address, Answers, ComparisonAnswer, Queries, RunId } from './api.js';
import { parseQuery, parseTrial, querySchemas } from './requests.js';
import type { KnownRun, RunFolder } from './run-folder.js';
import type { RunList } from './run-list.js';

/** Trials of one answer, whatever more is asked for: while they are read, nobody else is answered, and all are in memory. */
const part = 2000;

interface Asked<A extends Address> {
  readonly params: { readonly run: RunId; readonly trial?: string };
  readonly query: Queries[A];
}

/** What answers each address. */
type Handlers = { readonly [A in Address]: (asked: Asked<A>) => Answers[A] | Promise<Answers[A]> };

export interface AnswersOptions {
  readonly folder: RunFolder;
  readonly list: RunList;
  readonly clock: Clock;
}

function handlers({ folder, list, clock }: AnswersOptions): Handlers {
  const look = <T>(id: RunId, task: (store: Store, memory: RunMemory, run: KnownRun) => T | Promise<T>): Promise<T> => {
    const run = folder.run(id);
    return run.look((store, memory) => task(store, memory, run));
  };
  return {
    '/api/runs': () => list.answer(),
    '/api/runs/:run': ({ params }) =>
      look(params.run, (store, memory, { id, workdir }) => collectRunAnswer(store, { id, workdir }, memory, clock())),
    '/api/runs/:run/trials': ({ params, query: { from = 0, limit = part } }) =>
      look(params.run, (store, memory) => {
        memory.catchUp(store);
        return collectTrialsAnswer(store, { from, limit: Math.min(limit, part) }, memory.facts);
      }),
    '/api/runs/:run/texts': ({ params, query: { from, to } }) =>
      look(params.run, (store) => collectTexts(store, from, to)),
    '/api/runs/:run/curves': ({ params, query: { trials } }) =>
      look(params.run, (store) => collectCurves(store, trials)),
    '/api/runs/:run/trials/:trial': ({ params, query: { precision } }) =>
      look(params.run, async (store, memory, { workdir }) => {
        const number = parseTrial(params.trial);
        const answer = await collectTrialAnswer(store, { workdir, number, precision }, memory);
        if (answer === undefined) throw new Refusal(404, `the run ${params.run} has no trial ${number}`);
        return answer;
      }),
    '/api/runs/:run/hypervolume': ({ params }) => look(params.run, (store) => collectHypervolume(store)),
    '/api/runs/:run/importance': ({ params }) =>
      look(params.run, (store, memory) => {
        memory.catchUp(store);
        return memory.importance(store);
      }),
    '/api/runs/:run/predictions': ({ params }) => look(params.run, (store) => collectPredictions(store)),
    '/api/compare': ({ query: { runs } }) =>
      compare(
        [...new Set(runs)].map((id) => folder.run(id)),
        clock,
      ),
  };
}

/** Looks at all of these runs at the same time. */
function compare(runs: readonly KnownRun[], clock: Clock): Promise<ComparisonAnswer> {
  type Opened = Parameters<typeof collectComparison>[0];
  const open = (opened: Opened): Promise<ComparisonAnswer> => {
    const run = runs.at(opened.length);
    return run === undefined
      ? Promise.resolve(collectComparison(opened, clock()))
      : run.look((store, memory) => open([...opened, { id: run.id, store, memory }]));
  };
  return open([]);
}

/** Answers a request to an address, whose question it understands. */
const answering =
  <A extends Address>(address: A, answer: Handlers[A]) =>
  async (request: FastifyRequest<{ Params: Asked<A>['params'] }>, reply: FastifyReply): Promise<FastifyReply> => {
    const query = parseQuery(querySchemas[address], request);
    return reply.header('cache-control', 'no-store').send(await answer({ params: request.params, query }));
  };

/** Serves every answer of `Answers` as JSON. */
export function serveAnswers(app: FastifyInstance, options: AnswersOptions): void {
  const table = handlers(options);
  // Its keys are those of the type, and no others.
  for (const address of Object.keys(table) as Address[]) app.get(address, answering<Address>(address, table[address]));
}
