import { useRun } from '../../app/current-run.js';

export default function RunPage() {
  const { info } = useRun();
  return (
    <section>
      <h2>Frontier</h2>
      <p>{info.run.name}</p>
    </section>
  );
}
