import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useEffect, useMemo } from 'preact/hooks';
import type { RunId } from '../../experiments/page/api.js';
import { RunState } from '../components/run-state.js';
import { LiveRun } from '../data/live-run.js';
import { CurrentRun } from './current-run.js';
import { pages } from './pages.js';

/** What stands around the pages of a run: its name, how it stands, its tabs. They share what is known of the run. */
export function RunFrame({ id, children }: { readonly id: RunId; readonly children: ComponentChildren }) {
  const live = useMemo(() => new LiveRun(id), [id]);
  useEffect(() => () => live.end(), [live]);
  const { path } = useLocation();
  const { info, problem, connected } = live;
  if (problem.value !== null && info.value === null)
    return (
      <section role="alert">
        <h1>{id}</h1>
        <p>{problem}</p>
      </section>
    );
  if (info.value === null) return <p role="status">Loading {id} …</p>;
  const { run } = info.value;
  const base = `/runs/${encodeURIComponent(id)}`;
  return (
    <CurrentRun.Provider value={live}>
      <div class="run-head">
        <h1>{run.name}</h1>
        <RunState run={run} />
        {problem.value !== null && <p role="alert">{problem}</p>}
        {!connected.value && <p role="status">The connection to the server is lost; trying again.</p>}
        <nav aria-label="Pages of this run" class="tabs">
          {pages
            .filter(({ tab }) => tab !== undefined)
            .map(({ path: page, tab }) => {
              const href = page.replace('/runs/:run', base);
              return (
                <a key={page} href={href} aria-current={path === href ? 'page' : undefined}>
                  {tab}
                </a>
              );
            })}
        </nav>
      </div>
      {children}
    </CurrentRun.Provider>
  );
}
