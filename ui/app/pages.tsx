import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { lazy, useLocation, useRoute } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { RunsPage } from '../pages/runs/runs-page.js';

/** Stands for a page whose part of the program could not be fetched. */
function NotLoaded() {
  return (
    <section role="alert">
      <h2>This page could not be loaded</h2>
      <p>
        Its program could not be fetched: the server was stopped, or another version of it was started. Is{' '}
        <code>nas ui</code> still running?
      </p>
      <button type="button" onClick={() => location.reload()}>
        Load again
      </button>
    </section>
  );
}

/** What a window is called that shows a page; `parameters` are those of its address. */
type PageTitle = (parameters: Readonly<Record<string, string>>) => string;

/** The page that was opened last; the first one is read from its beginning. */
let opened: string | null = null;

function focusHeading(): void {
  const heading = document.querySelector<HTMLElement>('main h2') ?? document.querySelector<HTMLElement>('main h1');
  const target = heading ?? document.getElementById('content');
  if (target === null) return;
  target.tabIndex = -1;
  target.focus({ preventScroll: true });
}

/** Tells who does not see it that there is another page: its name, and the focus on its heading. */
function Opened({ title }: { readonly title: PageTitle }) {
  const { path } = useLocation();
  const { params } = useRoute();
  const name = [title(params), ...('run' in params ? [params['run']] : []), 'nas'].join(' · ');
  useEffect(() => {
    document.title = name;
    const isFirst = opened === null;
    if (opened === path) return;
    opened = path;
    if (isFirst) return;
    focusHeading();
    // The router makes a page that was loaded just now once more, which takes the focus from it, and ends this effect.
    setTimeout(() => {
      if (opened === path && document.activeElement === document.body) focusHeading();
    }, 150);
  }, [path, name]);
  return null;
}

interface Failed {
  readonly problem: string | null;
}

/** Shows what went wrong on a page in its place, until another one is opened. */
class Fallible extends Component<{ readonly path: string; readonly children: ComponentChildren }, Failed> {
  override state: Failed = { problem: null };

  static override getDerivedStateFromError(error: unknown): Failed {
    return { problem: error instanceof Error ? error.message : 'It is not known why.' };
  }

  override componentDidUpdate({ path }: { readonly path: string }): void {
    if (path !== this.props.path && this.state.problem !== null) this.setState({ problem: null });
  }

  override render() {
    const { problem } = this.state;
    if (problem === null) return this.props.children;
    return (
      <section role="alert">
        <h2>This page cannot be shown</h2>
        <p>{problem}</p>
        <button type="button" onClick={() => this.setState({ problem: null })}>
          Try again
        </button>
      </section>
    );
  }
}

/** A page as the router shows it. What is loaded later becomes one when it is there: not before has it a heading. */
function pageView(title: PageTitle, Content: ComponentType): ComponentType {
  return function PageView() {
    const { path } = useLocation();
    return (
      <Fallible path={path}>
        <Content />
        <Opened title={title} />
      </Fallible>
    );
  };
}

/** A page: its address, in which `:run` and `:trial` stand for a run's id and a trial's number, and what it shows. */
interface Page {
  readonly path: string;
  /** In the navigation of a run; absent: reached from other pages. */
  readonly tab?: string;
  readonly component: ComponentType;
}

type Load = () => Promise<{ readonly default: ComponentType }>;

/** A page that is loaded when it is first opened. */
const later = (title: PageTitle, load: Load): ComponentType =>
  lazy<ComponentType>(() =>
    load().then(
      ({ default: Content }) => ({ default: pageView(title, Content) }),
      () => ({ default: NotLoaded }),
    ),
  );

const ofRun = (path: string, tab: string, load: Load): Page => ({
  path: `/runs/:run${path}`,
  tab,
  component: later(() => tab, load),
});

/** All pages; those of a run stand in the order of its tabs. */
export const pages: readonly Page[] = [
  { path: '/', component: pageView(() => 'Runs', RunsPage) },
  {
    path: '/compare',
    component: later(
      () => 'Compare runs',
      () => import('../pages/compare/compare-runs-page.js'),
    ),
  },
  ofRun('', 'Frontier', () => import('../pages/run/run-page.js')),
  ofRun('/trials', 'Trials', () => import('../pages/trials/trials-page.js')),
  {
    path: '/runs/:run/trials/:trial',
    component: later(
      ({ trial }) => `Trial ${trial}`,
      () => import('../pages/trial/trial-page.js'),
    ),
  },
  ofRun('/compare', 'Compare', () => import('../pages/compare/compare-trials-page.js')),
  ofRun('/importance', 'What matters', () => import('../pages/importance/importance-page.js')),
  ofRun('/latency', 'Latency model', () => import('../pages/latency/latency-page.js')),
  ofRun('/provenance', 'Provenance', () => import('../pages/provenance/provenance-page.js')),
];
