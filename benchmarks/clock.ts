export const CLOCKS = ['cpu', 'wall'] as const;

/**
 * Milliseconds so far: `cpu` is the processor time of this process, all its threads together, which other work on the machine
 * disturbs little; `wall` is what a watch shows, for a machine that does nothing else.
 */
export function millisecondsOf(clock: (typeof CLOCKS)[number]): number {
  if (clock === 'wall') return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
