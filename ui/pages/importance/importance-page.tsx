import { useRun } from '../../app/current-run.js';

export default function ImportancePage() {
  const { info } = useRun();
  return (
    <section>
      <h2>What matters</h2>
      <p>{info.run.name}</p>
    </section>
  );
}
