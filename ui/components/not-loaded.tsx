/** Stands for a page whose part of the program could not be fetched. */
export function NotLoaded() {
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
