// What the benchmarks print: one row a measurement, medians with their spread, and whether a target is met.

export type Unit = 'ms' | 'µs' | 'bytes' | 'sends' | 'seconds' | 'a second';

/** A target is about the medians: ours against the opponent's, or ours alone. `atLeast`: where more is better. */
export type Target = { readonly kind: 'ratio' | 'value' } & (
  { readonly atMost: number } | { readonly atLeast: number }
);

export interface Row {
  readonly name: string;
  readonly unit: Unit;
  /** Every value measured, in the order of measuring. */
  readonly ours: readonly number[];
  readonly opponent?: { readonly name: string; readonly values: readonly number[] };
  readonly target?: Target;
}

/** What a measurement came to: its rows, and sentences a row has no room for. */
export interface Findings {
  readonly rows: readonly Row[];
  readonly notes?: readonly string[];
}

/** Fewer values than this have no meaningful percentiles: their spread is from the least to the greatest. */
const PERCENTILES_FROM = 20;

/** The value below which a share of them lies, by nearest rank; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? NaN;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[(sorted.length >> 1) - 1] ?? NaN)) / 2;
};

const heading = ['measured', 'ours', 'opponent', 'ratio', 'target', 'verdict'];

/** The rows as a Markdown table, padded so that a terminal shows it as a table too. */
export function formatTable(rows: readonly Row[]): string {
  const lines = [heading, ...rows.map(cells)];
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const draw = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = draw(widths.map((width) => '-'.repeat(width)));
  const [first = [], ...rest] = lines;
  return [draw(first), rule, ...rest.map(draw)].join('\n');
}

function cells({ name, unit, ours, opponent, target }: Row): string[] {
  const ratio = opponent && median(ours) / median(opponent.values);
  return [
    name,
    spread(ours, unit),
    opponent ? `${opponent.name}: ${spread(opponent.values, unit)}` : '',
    ratio === undefined ? '' : ratio.toFixed(2),
    target ? targetWords(target, unit) : '',
    target ? verdict(target, median(ours), ratio) : '',
  ];
}

function verdict(target: Target, ours: number, ratio: number | undefined): string {
  const value = target.kind === 'ratio' ? ratio : ours;
  if (value === undefined || Number.isNaN(value)) return 'not measured';
  const met = 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
  return met ? 'met' : 'missed';
}

function targetWords(target: Target, unit: Unit): string {
  const [sign, limit] = 'atMost' in target ? ['≤', target.atMost] : ['≥', target.atLeast];
  return `${sign} ${target.kind === 'ratio' ? `${limit} ×` : amount(limit, unit)}`;
}

function spread(values: readonly number[], unit: Unit): string {
  if (values.length === 0) return 'nothing measured';
  const middle = amount(median(values), unit);
  if (values.length === 1) return middle;
  const percentiles = values.length >= PERCENTILES_FROM;
  const [low, high] = percentiles
    ? [quantile(values, 0.05), quantile(values, 0.95)]
    : [Math.min(...values), Math.max(...values)];
  if (low === high) return `${middle} (all of ${values.length})`;
  return `${middle} (${amount(low, unit)} to ${amount(high, unit)}, n ${values.length})`;
}

function amount(value: number, unit: Unit): string {
  switch (unit) {
    case 'ms':
      return value < 10 ? `${value.toFixed(2)} ms` : `${Math.round(value)} ms`;
    case 'µs':
      return `${value.toFixed(1)} µs`;
    case 'a second':
      return `${Math.round(value)}/s`;
    case 'seconds':
      return `${value.toFixed(1)} s`;
    case 'sends':
      return value.toFixed(Number.isInteger(value) ? 0 : 2);
    case 'bytes':
      return value < 1e6 ? `${(value / 1e3).toFixed(1)} KB` : `${(value / 1e6).toFixed(3)} MB`;
  }
}
