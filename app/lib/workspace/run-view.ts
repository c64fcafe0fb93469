/** A run as the page shows it: mine from this tab, which knows most, everybody's from the channel. Pure. */
import type { DeviceId, RunId } from '../core/ids.ts';
import type { ChannelRun } from '../document/runs-view.ts';
import type { RunEnd, RuntimeId } from '../runtime/runtime.ts';
import type { LocalOutput } from './local-output.ts';
import type { RunView } from './room-model.ts';

/** What this tab knows of a run of its own. */
export interface OwnRun {
  readonly id: RunId;
  readonly runtime: { readonly id: RuntimeId; readonly label: string };
  readonly file: string;
  readonly startedAt: number;
  readonly output: Pick<LocalOutput, 'pieces' | 'notKept'>;
  /** Undefined where nobody is told of it. */
  readonly budget: object | undefined;
  readonly waitingForInput: boolean;
  readonly ended: { readonly end: RunEnd; readonly durationMs: number } | undefined;
}

/** `told` is the same run as the channel has it, once it does. */
export function ownRunView(mine: OwnRun, by: RunView['by'], told: ChannelRun | undefined): RunView {
  const { id, runtime, file, startedAt, output, budget, waitingForInput, ended } = mine;
  return {
    id,
    runtime: runtime.id,
    title: `${runtime.label} · ${file}`,
    file,
    by,
    startedAt,
    onlyMine: budget === undefined,
    output: output.pieces(),
    notShared: told?.leftOut ?? 0,
    notKept: output.notKept,
    waitingForInput,
    ...(ended && { ended }),
  };
}

/** A run of another tab. */
export function toldRunView(run: ChannelRun, by: RunView['by']): RunView {
  return {
    id: run.id,
    // Only for choosing an icon; an unknown one has none.
    runtime: run.runtime as RuntimeId,
    title: `${run.label} · ${run.file}`,
    file: run.file,
    by,
    startedAt: run.startedAt,
    onlyMine: false,
    output: run.output,
    notShared: run.leftOut,
    notKept: 0,
    waitingForInput: run.waitingForInput,
    ...(run.ended && { ended: run.ended }),
  };
}

/**
 * Whether others' run takes the place of mine: not while mine goes on, and not when they ran it meanwhile (`besides` is the
 * newest one when mine ended), or nobody would ever see how mine ended.
 */
export function isAfter(
  newest: Pick<ChannelRun, 'id' | 'session' | 'startedAt'>,
  mine: Pick<OwnRun, 'id' | 'startedAt' | 'ended'> & {
    readonly besides: Pick<ChannelRun, 'id' | 'session'> | undefined;
  },
): boolean {
  if (mine.ended === undefined || newest.id === mine.id || newest.startedAt <= mine.startedAt) return false;
  return newest.id !== mine.besides?.id || newest.session !== mine.besides.session;
}

/** Whose program waits for input elsewhere; undefined where it is mine, over, or of someone who has left. */
export function waitsElsewhere(
  run: RunView | undefined,
  here: readonly { readonly device: DeviceId }[],
): string | undefined {
  if (run === undefined || !run.waitingForInput || run.ended !== undefined || run.by.me) return undefined;
  return here.some(({ device }) => device === run.by.device) ? run.by.name : undefined;
}

/**
 * Last words for a run without an end whose runner is not here: their tab is closed, and nothing will end it. Undefined
 * where it is mine, over, or its runner is here. `connected`: whether this tab would know that they are here.
 */
export function endUnknown(
  run: RunView | undefined,
  here: readonly { readonly device: DeviceId }[],
  connected: boolean,
): string | undefined {
  if (run === undefined || run.ended !== undefined || run.by.me) return undefined;
  if (here.some(({ device }) => device === run.by.device)) return undefined;
  return connected
    ? `${run.by.name} left before it ended`
    : `its end is not known here: ${run.by.name} is out of reach`;
}
