/** A number that a lesson arrived at, and what it must be. */
export interface Check {
  readonly what: string;
  readonly value: number;
  readonly rule: Rule;
  /** Where the expected number comes from. */
  readonly source: string;
}

/** What a number must be. Bounds are included. */
export type Rule =
  | { readonly equals: number }
  | { readonly atMost: number }
  | { readonly near: number; readonly within: number };

export function holds({ value, rule }: Check): boolean {
  if ('equals' in rule) return value === rule.equals;
  if ('atMost' in rule) return value <= rule.atMost;
  return Math.abs(value - rule.near) <= rule.within;
}

/** `= 87`, `≤ 2.62`, `4.46 ± 0.03` */
export function spelled(rule: Rule): string {
  if ('equals' in rule) return `= ${figure(rule.equals)}`;
  if ('atMost' in rule) return `≤ ${figure(rule.atMost)}`;
  return `${figure(rule.near)} ± ${figure(rule.within)}`;
}

/** `1,344,512`, `2.607`, `3.1e-7` */
export function figure(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  return value.toLocaleString('en-US', { maximumFractionDigits: 3 });
}
