/** Node's `console`, written to the program's streams. */
import { format, inspect } from 'node-inspect-extracted';

type Write = (text: string) => void;

export function makeConsole(out: Write, err: Write): Console {
  const counts = new Map<string, number>();
  const timers = new Map<string, number>();
  let indent = '';
  const line = (write: Write, text: string): void =>
    write(`${indent}${indent ? text.replaceAll('\n', `\n${indent}`) : text}\n`);
  const log = (...values: unknown[]): void => line(out, format(...values));
  const error = (...values: unknown[]): void => line(err, format(...values));
  const elapsed = (label: string): string =>
    `${label}: ${(performance.now() - (timers.get(label) ?? performance.now())).toFixed(3)}ms`;
  const group = (...values: unknown[]): void => {
    if (values.length > 0) log(...values);
    indent += '  ';
  };
  return {
    log,
    info: log,
    debug: log,
    error,
    warn: error,
    trace: (...values: unknown[]) => {
      const at = new Error(format(...values)).stack ?? '';
      line(err, at.replace(/^Error:?/, 'Trace:'));
    },
    dir: (value: unknown, options?: object) => line(out, inspect(value, options)),
    dirxml: log,
    assert: (condition?: unknown, ...values: unknown[]) => {
      if (!condition) error(...(values.length > 0 ? ['Assertion failed:', ...values] : ['Assertion failed']));
    },
    count: (label = 'default') => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      log(`${label}: ${counts.get(label) ?? 0}`);
    },
    countReset: (label = 'default') => void counts.delete(label),
    group,
    groupCollapsed: group,
    groupEnd: () => void (indent = indent.slice(2)),
    time: (label = 'default') => void timers.set(label, performance.now()),
    timeLog: (label = 'default', ...values: unknown[]) => log(elapsed(label), ...values),
    timeEnd: (label = 'default') => {
      log(elapsed(label));
      timers.delete(label);
    },
    table: (data: unknown) => line(out, table(data)),
    clear: () => undefined,
    timeStamp: () => undefined,
    profile: () => undefined,
    profileEnd: () => undefined,
  } as unknown as Console;
}

function table(data: unknown): string {
  if (typeof data !== 'object' || data === null) return inspect(data);
  const rows = Object.entries(data).map(([key, row]: [string, unknown]) => ({ key, row }));
  const columns = new Set<string>();
  let hasValues = false;
  for (const { row } of rows) {
    if (typeof row === 'object' && row !== null) Object.keys(row).forEach((key) => columns.add(key));
    else hasValues = true;
  }
  const head = ['(index)', ...columns, ...(hasValues ? ['Values'] : [])];
  const body = rows.map(({ key, row }) => {
    const fields = typeof row === 'object' && row !== null ? (row as Record<string, unknown>) : undefined;
    const cells = [...columns].map((column) => (fields && column in fields ? inspect(fields[column]) : ''));
    return [key, ...cells, ...(hasValues ? [fields ? '' : inspect(row)] : [])];
  });
  const widths = head.map(
    (title, column) => Math.max(title.length, ...body.map((cells) => cells[column]?.length ?? 0)) + 2,
  );
  const rule = (left: string, middle: string, right: string): string =>
    left + widths.map((width) => '─'.repeat(width)).join(middle) + right;
  const row = (cells: string[]): string =>
    `│${cells.map((cell, column) => ` ${cell}`.padEnd(widths[column] ?? 0)).join('│')}│`;
  return [rule('┌', '┬', '┐'), row(head), rule('├', '┼', '┤'), ...body.map(row), rule('└', '┴', '┘')].join(
    '\n',
  );
}
