import { useRun } from '../../app/current-run.js';

export default function LatencyPage() {
  const { info } = useRun();
  return (
    <section>
      <h2>Latency model</h2>
      <p>{info.run.name}</p>
    </section>
  );
}
