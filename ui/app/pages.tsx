import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { lazy, useLocation, useRoute } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { RunsPage } from '../pages/runs/runs-page.js';

/** Replaces a page whose code could not be fetched. */
function NotLoaded() {
  return (
    <section role="alert">
      <h2>This page could not be loaded</h2>
      <p>
        The server has stopped, or another version of it has started. Is <code>nas ui</code> still running?
      </p>
      <button type="button" onClick={() => location.reload()}>
        Load again
      </button>
    </section>
  );
}

/** The title of a page's window, from the parameters of its address. */
type PageTitle = (parameters: Readonly<Record<string, string>>) => string;

/** The path of the last opened page; null before the first one, which keeps its focus. */
let opened: string | null = null;

function focusHeading(): void {
  const heading = document.querySelector<HTMLElement>('main h2') ?? document.querySelector<HTMLElement>('main h1');
  const target = heading ?? document.getElementById('content');
  if (target === null) return;
  target.tabIndex = -1;
  target.focus({ preventScroll: true });
}

/** Announces a new page to screen readers: by its title, and by the focus on its heading. */
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
    // The router renders a newly loaded page twice, which takes the focus away and ends this effect.
    setTimeout(() => {
      if (opened === path && document.activeElement === document.body) focusHeading();
    }, 150);
  }, [path, name]);
  return null;
}

interface Failed {
  readonly problem: string | null;
}

/** Shows an error in place of its page, until another page is opened. */
class Fallible extends Component<{ readonly path: string; readonly children: ComponentChildren }, Failed> {
  override state: Failed = { problem: null };

  static override getDerivedStateFromError(error: unknown): Failed {
    return { problem: error instanceof Error ? error.message : 'The cause is unknown.' };
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

/** A page for the router. A lazy page is wrapped once it is loaded, because it has no heading before. */
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

/** A page. `:run` and `:trial` in its path are a run's id and a trial's number. */
interface Page {
  readonly path: string;
  /** Its title in the navigation of a run; absent: other pages link to it. */
  readonly tab?: string;
  readonly component: ComponentType;
}

type Load = () => Promise<{ readonly default: ComponentType }>;

/** A page whose code is loaded when it is first opened. */
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

/** All pages; the pages of a run are in the order of its tabs. */
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
  ofRun('/importance', 'Importance', () => import('../pages/importance/importance-page.js')),
  ofRun('/latency', 'Latency model', () => import('../pages/latency/latency-page.js')),
  ofRun('/provenance', 'Provenance', () => import('../pages/provenance/provenance-page.js')),
];
