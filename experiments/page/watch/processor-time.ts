/** What this process has had of the processors, in ms: on a busy machine, far less than the time that has passed. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
