import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunId, SessionId } from '../core/ids.ts';
import { HEAD_BYTES, TAIL_BYTES } from './kept-output.ts';
import { MIN_GAP_MS, OutputBudget } from './run-budget.ts';
import {
  decodeRunMessage,
  encodeRunMessage,
  MAX_RUN_MESSAGE_BYTES,
  type RunMessage,
  type RunStart,
} from './runs.ts';
import { RunsView, type RunEntry } from './runs-view.ts';

const RUN = 'a'.repeat(16) as RunId;
const start = (runId = RUN): RunStart => ({
  kind: 'start',
  runId,
  runtime: 'python',
  file: 'src/main.py',
  label: 'Python 3.14',
});
const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

const stream = fc.constantFrom('stdout' as const, 'stderr' as const);
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const end = fc.oneof(
  fc.record({ kind: fc.constant('exit' as const), code: fc.integer() }),
  fc.record({ kind: fc.constantFrom('stopped' as const, 'out-of-memory' as const) }),
  fc.record({ kind: fc.constant('time-limit' as const), limitMs: fc.nat() }),
  fc.record({ kind: fc.constant('output-limit' as const), limitBytes: fc.nat() }),
  fc.record({ kind: fc.constant('failed' as const), message: text }),
);
const runId = fc.constantFrom(RUN, 'b'.repeat(16) as RunId);
const message: fc.Arbitrary<RunMessage> = fc.oneof(
  runId.map(start),
  fc.record({
    kind: fc.constant('output' as const),
    runId,
    pieces: fc.array(fc.record({ stream, text }), { maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant('left-out' as const), runId, bytes: fc.nat() }),
  fc.record({ kind: fc.constant('input-wanted' as const), runId, wanted: fc.boolean() }),
  fc.record({ kind: fc.constant('end' as const), runId, end, durationMs: fc.nat() }),
);

describe('run messages (RUN-1)', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(message, (one) => {
        expect(decodeRunMessage(encodeRunMessage(one))).toEqual({ ok: true, value: one });
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('never throw on bytes of others, and accept no byte too many', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), message, (noise, one) => {
        expect(typeof decodeRunMessage(noise).ok).toBe('boolean');
        const longer = Uint8Array.of(...encodeRunMessage(one), 0);
        expect(decodeRunMessage(longer)).toEqual({ ok: false, error: { kind: 'malformed' } });
      }),
      { numRuns: 500, seed: 2 },
    );
    expect(decodeRunMessage(Uint8Array.of(77))).toEqual({ ok: false, error: { kind: 'unknown-kind' } });
    expect(decodeRunMessage(new Uint8Array(MAX_RUN_MESSAGE_BYTES + 1))).toEqual({
      ok: false,
      error: { kind: 'too-large' },
    });
    const badFile = encodeRunMessage({ ...start(), file: '../x' });
    expect(decodeRunMessage(badFile)).toEqual({ ok: false, error: { kind: 'malformed' } });
  });
});

describe('RunsView', () => {
  const alice = 'a1'.repeat(32) as SessionId;
  const bob = 'b2'.repeat(32) as SessionId;
  const entry = (session: SessionId, seq: number, time: number, one: RunMessage): RunEntry => ({
    session,
    seq,
    time,
    hash: Uint8Array.of(session.charCodeAt(0), seq >> 8, seq),
    payload: encodeRunMessage(one),
  });
  const out = (words: string): RunMessage => ({
    kind: 'output',
    runId: RUN,
    pieces: [{ stream: 'stdout', text: words }],
  });

  it('RUN-3: lets only the session that started a run add to it, and nothing after its end', () => {
    const view = new RunsView();
    expect(view.add(entry(alice, 1, 10, start()))).toBe(true);
    expect(view.add(entry(bob, 1, 11, out('forged')))).toBe(false);
    view.add(entry(alice, 2, 12, out('real')));
    view.add(entry(alice, 3, 13, { kind: 'input-wanted', runId: RUN, wanted: true }));
    expect(view.newest()?.waitingForInput).toBe(true);
    view.add(entry(alice, 4, 14, { kind: 'end', runId: RUN, end: { kind: 'exit', code: 0 }, durationMs: 5 }));
    expect(view.add(entry(alice, 5, 15, out('late')))).toBe(false);
    expect(view.add({ ...entry(alice, 6, 16, out('')), payload: Uint8Array.of(200, 1, 2) })).toBe(false);
    expect(view.newest()).toMatchObject({
      output: [{ stream: 'stdout', text: 'real' }],
      waitingForInput: false,
      startedAt: 10,
      ended: { end: { kind: 'exit', code: 0 }, durationMs: 5 },
    });
  });

  it('RUN-2: comes to the same runs in whatever order chains arrive', () => {
    const steps = fc.array(fc.tuple(message, fc.nat(30)), { maxLength: 40 });
    const chains = fc.tuple(steps, steps, steps);
    fc.assert(
      fc.property(chains, fc.infiniteStream(fc.nat(2)), (three, order) => {
        const queues = three.map((chain, i) =>
          chain.map(([one, time], seq) =>
            entry([alice, bob, 'c3'.repeat(32) as SessionId][i] ?? alice, seq + 1, time, one),
          ),
        );
        const [oneByOne, mixed] = [new RunsView(), new RunsView()];
        for (const queue of queues) for (const one of queue) oneByOne.add(one);
        const left = queues.map((queue) => [...queue]);
        for (const which of order) {
          if (left.every((queue) => queue.length === 0)) break;
          const next = (left[which] ?? []).shift() ?? left.find((queue) => queue.length > 0)?.shift();
          if (next !== undefined) mixed.add(next);
        }
        expect(mixed.runs()).toEqual(oneByOne.runs());
        expect(mixed.runs().length).toBeLessThanOrEqual(20);
      }),
      { numRuns: 150, seed: 4 },
    );
  });

  it('RUN-4: keeps the first 256 KiB and the last 64 KiB of what an author floods', () => {
    const view = new RunsView();
    view.add(entry(alice, 1, 1, start()));
    let total = 0;
    for (let seq = 2; seq < 62; seq++) {
      const words = `${seq} é`.repeat(2_500);
      total += bytesOf(words);
      view.add(entry(alice, seq, seq, out(words)));
    }
    const { output, leftOut } = view.newest() ?? { output: [], leftOut: 0 };
    const kept = output.reduce((sum, piece) => sum + bytesOf(piece.text), 0);
    expect(kept).toBeLessThanOrEqual(HEAD_BYTES + TAIL_BYTES);
    expect(kept).toBeGreaterThan(HEAD_BYTES + TAIL_BYTES - 32 * 1024);
    expect(kept + leftOut).toBe(total);
    expect(output.at(-1)?.text.endsWith('61 é')).toBe(true);
  });
});

describe('OutputBudget (RUN-5)', () => {
  /** Time that moves only when told to. */
  function fake() {
    let now = 1_000;
    let waiting: { at: number; callback: () => void }[] = [];
    const sent: { at: number; message: RunMessage }[] = [];
    const budget = new OutputBudget(start(), {
      emit: (one) => sent.push({ at: now, message: one }),
      clock: { now: () => now },
      schedule: (callback, delayMs) => {
        const timer = { at: now + delayMs, callback };
        waiting.push(timer);
        return () => (waiting = waiting.filter((one) => one !== timer));
      },
    });
    const pass = (ms: number): void => {
      const until = now + ms;
      for (;;) {
        const [next] = waiting.toSorted((a, b) => a.at - b.at);
        if (next === undefined || next.at > until) break;
        waiting = waiting.filter((one) => one !== next);
        now = next.at;
        next.callback();
      }
      now = until;
    };
    const output = (): string =>
      sent
        .flatMap(({ message: one }) => (one.kind === 'output' ? one.pieces : []))
        .map((piece) => piece.text)
        .join('');
    return { budget, sent, pass, output, timers: () => waiting.length };
  }

  it('sends the first words at once, and joins what comes while it must wait', () => {
    const { budget, sent, pass, output } = fake();
    pass(100);
    budget.write('stdout', 'a');
    expect(output()).toBe('a');
    budget.write('stdout', 'b');
    budget.write('stdout', 'c');
    budget.write('stderr', 'd');
    expect(output()).toBe('a');
    pass(MIN_GAP_MS);
    expect(sent.at(-1)?.message).toMatchObject({
      pieces: [
        { stream: 'stdout', text: 'bc' },
        { stream: 'stderr', text: 'd' },
      ],
    });
  });

  it('asks for input after the prompt, and not when the wish is over before it was told', () => {
    const { budget, sent, pass } = fake();
    budget.write('stdout', 'name? ');
    budget.inputWanted(true);
    pass(200);
    expect(sent.map(({ message: one }) => one.kind)).toEqual(['start', 'output', 'input-wanted']);
    budget.write('stdout', 'x');
    budget.inputWanted(false);
    budget.inputWanted(true);
    budget.inputWanted(false);
    budget.inputWanted(true);
    pass(200);
    expect(sent.map(({ message: one }) => one.kind).slice(3)).toEqual(['output']);
  });

  it('keeps a flood to 20 messages a second and 320 KiB, each small enough, and says how much is missing', () => {
    const { budget, sent, pass } = fake();
    let total = 0;
    for (let i = 0; i < 60_000; i++) {
      const words = `line ${i} é\n`;
      budget.write(i % 7 === 0 ? 'stderr' : 'stdout', words);
      total += bytesOf(words);
      if (i % 100 === 0) pass(1);
    }
    budget.write('stdout', 'x'.repeat(1_000_000));
    budget.end({ kind: 'exit', code: 0 }, 12);
    budget.write('stdout', 'after the end');
    pass(60_000);
    total += 1_000_000;
    for (const [i, { at }] of sent.entries())
      if (i >= 20) expect(at - (sent[i - 20]?.at ?? 0)).toBeGreaterThanOrEqual(1_000);
    const view = new RunsView();
    for (const [i, { message: one }] of sent.entries()) {
      const payload = encodeRunMessage(one);
      expect(decodeRunMessage(payload).ok).toBe(true);
      view.add({ session: 's' as SessionId, seq: i + 1, time: i, hash: new Uint8Array(1), payload });
    }
    const run = view.newest();
    const kept = run?.output.reduce((sum, piece) => sum + bytesOf(piece.text), 0) ?? 0;
    expect(kept + (run?.leftOut ?? 0)).toBe(total);
    expect(kept).toBeLessThanOrEqual(HEAD_BYTES + TAIL_BYTES);
    expect(kept).toBeGreaterThan(HEAD_BYTES + TAIL_BYTES - 64 * 1024);
    expect(run?.ended).toEqual({ end: { kind: 'exit', code: 0 }, durationMs: 12 });
  });

  it('leaves no timer behind', () => {
    const { budget, timers, pass, output } = fake();
    budget.write('stdout', 'a');
    expect(timers()).toBe(1);
    budget.dispose();
    expect(timers()).toBe(0);
    pass(1_000);
    expect(output()).toBe('');
  });
});
