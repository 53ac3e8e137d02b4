import { ErrorBoundary, LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { NotFound } from '../components/not-found.js';
import { pages } from './pages.js';
import { RunFrame } from './run-frame.js';
import { ThemeSwitch } from './theme.js';

/** The run that an address is about. */
const runIn = (path: string): string | null => {
  const found = /^\/runs\/([^/]+)/.exec(path)?.[1];
  return found === undefined ? null : decodeURIComponent(found);
};

function Content() {
  const { path } = useLocation();
  const run = runIn(path);
  const routes = (
    <Router>
      {pages.map(({ path: at, component }) => (
        <Route key={at} path={at} component={component} />
      ))}
      <Route default component={NotFound} />
    </Router>
  );
  return run === null ? (
    routes
  ) : (
    <RunFrame key={run} id={run}>
      {routes}
    </RunFrame>
  );
}

/** What stands around every page. */
export function Shell() {
  return (
    <LocationProvider>
      <a class="skip" href="#content">
        To the content
      </a>
      <header class="top">
        <a class="brand" href="/">
          nas
        </a>
        <nav aria-label="Main">
          <a href="/">Runs</a>
          <a href="/compare">Compare runs</a>
        </nav>
        <ThemeSwitch />
      </header>
      <ErrorBoundary>
        <main id="content" tabIndex={-1}>
          <Content />
        </main>
      </ErrorBoundary>
    </LocationProvider>
  );
}
