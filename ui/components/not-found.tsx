export function NotFound() {
  return (
    <section>
      <h1>There is no such page</h1>
      <p>
        <a href="/">All runs</a>
      </p>
    </section>
  );
}
