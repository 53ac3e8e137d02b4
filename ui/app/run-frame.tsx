import { Fragment, type ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import type { RunId } from '../../experiments/page/api.js';
import { RunState } from '../components/run-status.js';
import { runAddress } from '../data/addresses.js';
import { LiveRun } from '../data/live-run.js';
import { CurrentRun } from './hooks.js';
import { pages } from './pages.js';

interface Props {
  readonly id: RunId;
  readonly children: ComponentChildren;
}

/** A run under the same id as another one, and how many there were before. */
interface Generation {
  readonly live: LiveRun;
  readonly index: number;
}

/** The run as it stands; when its file was replaced, another one as soon as that is there. */
function useLiveRun(id: RunId): Generation {
  const [generation, setGeneration] = useState<Generation>(() => ({ live: new LiveRun(id), index: 0 }));
  const { live, index } = generation;
  useEffect(() => {
    live.start();
    return () => live.end();
  }, [live]);
  const replaced = live.replaced.value;
  useEffect(() => {
    if (!replaced) return;
    const next = new LiveRun(id);
    let taken = false;
    const unsubscribe = next.version.subscribe((version) => {
      if (version === 0 || taken) return;
      taken = true;
      setGeneration({ live: next, index: index + 1 });
    });
    next.start();
    return () => {
      unsubscribe();
      if (!taken) next.end();
    };
  }, [live, replaced]);
  return generation;
}

function Tabs({ id }: Pick<Props, 'id'>) {
  const { path } = useLocation();
  const base = runAddress(id);
  return (
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
  );
}

/** How many of the trials are here, while they are fetched. */
function Loading({ live }: { readonly live: LiveRun }) {
  const { done, total } = live.loaded.value;
  if (done >= total) return null;
  return (
    <label class="loading">
      <progress value={done} max={total} /> {done.toLocaleString('en-US')} of {total.toLocaleString('en-US')} trials are
      here
    </label>
  );
}

/** What stands around the pages of a run: its name, how it stands, its tabs. They share what is known of the run. */
export function RunFrame({ id, children }: Props) {
  const { live, index } = useLiveRun(id);
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
          It is tried again while this page is open. <a href="/">All runs</a>
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
        <Loading live={live} />
      </div>
      {problem !== null && (
        <p class="banner" role="alert">
          {live.replaced.value ? problem : `${problem} What is shown is as it was; it is tried again.`}
        </p>
      )}
      <Tabs id={id} />
      {/* What a page keeps is of this generation. */}
      <Fragment key={index}>{children}</Fragment>
    </CurrentRun.Provider>
  );
}
