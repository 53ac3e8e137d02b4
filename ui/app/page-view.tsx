import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { useLocation, useRoute } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import type { Page } from './pages.js';

/** The page that was opened last; the first one is read from its beginning. */
let opened: string | null = null;

/** Tells who does not see it that there is another page: its name, and the focus on its heading. */
function Opened({ title }: Pick<Page, 'title'>) {
  const { path } = useLocation();
  const { params } = useRoute();
  const name = title(params);
  useEffect(() => {
    document.title = [name, ...('run' in params ? [params['run']] : []), 'nas'].join(' · ');
    const isFirst = opened === null;
    if (opened === path) return;
    opened = path;
    if (isFirst) return;
    const heading = document.querySelector<HTMLElement>('main h2') ?? document.querySelector<HTMLElement>('main h1');
    const target = heading ?? document.getElementById('content');
    if (target === null) return;
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
  }, [path, name, params]);
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

/** A page as the router shows it. */
export function pageView({ component: Content, title }: Page): ComponentType {
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
