import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../base/server.js';
import type { Clock, Store } from '../../store/index.js';
import { collectPredictions } from '../read-model/statistics.js';
import { decisionsIn } from './actions.js';
import { hasToken, type Access } from './access.js';
import type { Address, Answers, ComparisonAnswer, Query, RunId } from './api.js';
import { collectCurves, collectTrialsAnswer } from './collect/columns.js';
import { collectComparison, collectHypervolume } from './collect/comparison.js';
import { collectRunAnswer } from './collect/run-answer.js';
import type { RunCache } from './collect/run-cache.js';
import { collectTrialAnswer } from './collect/trial-answer.js';
import { parseQuery, parseTrial } from './requests.js';
import type { WatchedRun, RunFolder } from './run-folder.js';
import type { RunList } from './run-list.js';

/** The most trials of one answer: reading them blocks the server and holds them in cache. */
const maxTrials = 2000;

interface ParsedRequest<A extends Address> {
  readonly params: { readonly run: RunId; readonly trial?: string };
  readonly query: Query<A>;
  /** What its token allows the request. */
  readonly may: Answers['/api/access'];
}

type Handlers = { readonly [A in Address]: (asked: ParsedRequest<A>) => Answers[A] | Promise<Answers[A]> };

interface AnswersOptions {
  readonly folder: RunFolder;
  readonly list: RunList;
  readonly clock: Clock;
  readonly access: Access;
}

function handlers({ folder, list, clock }: Omit<AnswersOptions, 'access'>): Handlers {
  const readRun = <T>(
    id: RunId,
    task: (store: Store, cache: RunCache, run: WatchedRun) => T | Promise<T>,
  ): Promise<T> => {
    const run = folder.run(id);
    return run.read((store, cache) => task(store, cache, run));
  };
  return {
    '/api/access': ({ may }) => may,
    '/api/runs': () => list.answer(),
    '/api/runs/:run': ({ params }) =>
      readRun(params.run, (store, cache, { id, workdir }) => collectRunAnswer(store, { id, workdir }, cache, clock())),
    '/api/runs/:run/trials': ({ params, query: { from = 0, limit = maxTrials } }) =>
      readRun(params.run, (store, cache) => {
        cache.update(store);
        return collectTrialsAnswer(store, { from, limit: Math.min(limit, maxTrials) }, cache.facts);
      }),
    '/api/runs/:run/texts': ({ params, query: { from, to } }) =>
      readRun(params.run, (store) => store.trials.words(from, to)),
    '/api/runs/:run/curves': ({ params, query: { trials } }) =>
      readRun(params.run, (store) => collectCurves(store, trials)),
    '/api/runs/:run/trials/:trial': ({ params, query: { precision } }) =>
      readRun(params.run, async (store, cache, { workdir }) => {
        const number = parseTrial(params.trial);
        const answer = await collectTrialAnswer(store, { workdir, number, precision }, cache);
        if (answer === undefined) throw new Refusal(404, `the run ${params.run} has no trial ${number}`);
        return answer;
      }),
    '/api/runs/:run/hypervolume': ({ params }) => readRun(params.run, (store) => collectHypervolume(store)),
    '/api/runs/:run/importance': ({ params }) =>
      readRun(params.run, (store, cache) => {
        cache.update(store);
        return cache.importance(store);
      }),
    '/api/runs/:run/space': ({ params }) => decisionsIn(folder.run(params.run).workdir),
    '/api/runs/:run/predictions': ({ params }) => readRun(params.run, (store) => collectPredictions(store)),
    '/api/compare': ({ query: { runs } }) =>
      compare(
        [...new Set(runs)].map((id) => folder.run(id)),
        clock,
      ),
  };
}

/** Holds all runs open at the same time. */
function compare(runs: readonly WatchedRun[], clock: Clock): Promise<ComparisonAnswer> {
  type Opened = Parameters<typeof collectComparison>[0];
  const open = (opened: Opened): Promise<ComparisonAnswer> => {
    const run = runs.at(opened.length);
    return run === undefined
      ? Promise.resolve(collectComparison(opened, clock()))
      : run.read((store, cache) => open([...opened, { id: run.id, store, cache }]));
  };
  return open([]);
}

/** Parses the query, calls the handler, sends its answer. */
const answering =
  <A extends Address>(address: A, answer: Handlers[A], access: Access) =>
  async (
    request: FastifyRequest<{ Params: ParsedRequest<A>['params'] }>,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const query = parseQuery(address, request);
    const has = (token: string | null): boolean => token !== null && hasToken(request, token);
    const [changes, images] = [has(access.changeToken), has(access.imageToken)];
    const may = { changes, images, isKnown: changes || images || has(access.token) };
    return reply.header('cache-control', 'no-store').send(await answer({ params: request.params, query, may }));
  };

/** Serves every address of `Answers` as JSON. */
export function serveAnswers(app: FastifyInstance, options: AnswersOptions): void {
  const table = handlers(options);
  // The type of the table allows these keys only.
  for (const address of Object.keys(table) as Address[])
    app.get(address, answering<Address>(address, table[address], options.access));
}
