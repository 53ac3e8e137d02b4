import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Actions, Bodies, Decision, RunId } from './api.js';
import { noteIn } from '../../runner/stored/notes.js';
import { parseBody } from './requests.js';
import { lockTimeout, type RunFolder } from './run-folder.js';

type Action = keyof Actions;

type Handlers = {
  readonly [A in Action]: (workdir: string, body: Bodies[A]) => Promise<Actions[A]>;
};

/** Visitors wait for the page while it waits for a lock; and the runs may be others', whose code it does not run. */
const caution = { patience: lockTimeout };

/** The decisions of a run's space. */
export const decisionsIn = async (workdir: string): Promise<readonly Decision[]> =>
  (await import('../../runner/enqueue.js')).decisionsOf(workdir, caution);

/**
 * Does what the commands of the same names do. Their code needs the runner's and the spaces' modules, and is loaded when it is
 * first used: a page that is only read does without.
 */
const handlers: Handlers = {
  '/api/runs/:run/stop': async (workdir) => {
    (await import('../../runner/stop.js')).requestStop(workdir, caution);
    return {};
  },
  '/api/runs/:run/enqueue': async (workdir, { choices, name }) =>
    (await import('../../runner/enqueue.js')).enqueueIn(workdir, choices, name, caution),
  '/api/runs/:run/note': (workdir, change) => {
    noteIn(workdir, change, caution);
    return Promise.resolve({});
  },
};

/** Serves every address of `Actions`. `checkAccess` has checked origin and token. */
export function serveActions(app: FastifyInstance, folder: RunFolder): void {
  // Forms of other sites can send text, but no JSON.
  app.removeContentTypeParser('text/plain');
  const serve = <A extends Action>(address: A, act: Handlers[A]): void => {
    app.post(address, async (request: FastifyRequest<{ Params: { run: RunId } }>, reply: FastifyReply) => {
      const { workdir } = folder.run(request.params.run);
      const body = parseBody(address, request);
      return reply.header('cache-control', 'no-store').send(await act(workdir, body));
    });
  };
  // The type of the table allows these keys only.
  for (const address of Object.keys(handlers) as Action[]) serve<Action>(address, handlers[address]);
}
