import { Fragment, type ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import type { RunId } from '../../reports/page/api.js';
import { StopButton } from '../components/actions.js';
import { Alert } from '../components/elements.js';
import { NoteText } from '../components/notes.js';
import { RunState } from '../components/run-status.js';
import { runAddress, withQuery } from '../data/addresses.js';
import { FollowedRun, type LiveRun } from '../data/live-run.js';
import { CurrentRun } from '../data/hooks.js';
import { pages } from './pages.js';

interface Props {
  readonly id: RunId;
  readonly children: ComponentChildren;
}

function Tabs({ id }: Pick<Props, 'id'>) {
  const { path, query } = useLocation();
  const base = runAddress(id);
  const { filter } = query as Readonly<Partial<Record<string, string>>>;
  return (
    <nav aria-label="Pages of this run" class="tabs">
      {pages
        .filter(({ tab }) => tab !== undefined)
        .map(({ path: page, tab }) => {
          const href = page.replace('/runs/:run', base);
          return (
            <a
              key={page}
              href={path === href ? href : withQuery(href, { filter })}
              aria-current={path === href ? 'page' : undefined}
            >
              {tab}
            </a>
          );
        })}
    </nav>
  );
}

function Loading({ live }: { readonly live: LiveRun }) {
  const { done, total } = live.loaded.value;
  if (done >= total) return null;
  return (
    <label class="loading">
      <progress value={done} max={total} /> {done.toLocaleString('en-US')} of {total.toLocaleString('en-US')} trials
      loaded
    </label>
  );
}

/** The frame of a run's pages: name, status and tabs. It gives them the run's live state. */
export function RunFrame({ id, children }: Props) {
  // The shell makes another frame for another run.
  const [followed] = useState(() => new FollowedRun(id));
  useEffect(() => {
    followed.start();
    return () => followed.end();
  }, [followed]);
  const live = followed.current.value;
  const problem = live.problem.value;
  const info = live.info.value;
  if (info === null)
    return problem === null ? (
      <section role="status">
        <h1>{id}</h1>
        <p>Loading …</p>
      </section>
    ) : (
      <section>
        <h1>{id}</h1>
        <p role="alert">{problem}</p>
        <p class="note">
          Retrying while this page is open. <a href="/">All runs</a>
        </p>
      </section>
    );
  const { run } = info;
  return (
    <CurrentRun.Provider value={live}>
      <div class="run-head">
        <h1>{run.name}</h1>
        <RunState run={run} />
        {run.message !== null && <span class="note">{run.message}</span>}
        {run.status === 'running' && <StopButton id={id} />}
        <Loading live={live} />
      </div>
      <p class="run-facts">
        <NoteText of={run} /> {info.provenance.results !== undefined && <>{info.provenance.results} · </>}
        {info.provenance.data}
        {info.device !== null && <> · latency on {info.device}</>}
      </p>
      <Alert
        text={problem === null || live.replaced.value ? problem : `${problem} This page is out of date. Retrying.`}
      />
      <Tabs id={id} />
      {/* Resets the state of the pages for a new file. */}
      <Fragment key={followed.version}>{children}</Fragment>
    </CurrentRun.Provider>
  );
}
