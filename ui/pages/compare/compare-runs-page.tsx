export default function CompareRunsPage() {
  return (
    <section>
      <h1>Compare runs</h1>
    </section>
  );
}
