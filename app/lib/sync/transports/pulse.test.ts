import { describe, expect, it } from 'vitest';
import { Pulse } from './pulse.ts';

/** A pulse on a clock that moves when told to; `asks` are the times of its questions. */
class Story {
  now = 100_000;
  readonly pulse = new Pulse(() => this.now);
  readonly asks: number[] = [];
  /** What has not left this tab. */
  unsentBytes = 0;
  /** Whether the far end answers, at once. */
  answers = true;

  /** Something goes out that must not wait. */
  sends(): void {
    if (this.pulse.wanted()) this.#ask();
  }

  /** Lets time pass, looking when it wants to. */
  passes(ms: number): void {
    const end = this.now + ms;
    for (let at = this.pulse.lookAt; at !== undefined && at <= end; at = this.pulse.lookAt) {
      this.now = Math.max(this.now, at);
      if (this.pulse.dead) break;
      if (this.pulse.look(this.unsentBytes)) this.#ask();
    }
    this.now = end;
  }

  #ask(): void {
    this.asks.push(this.now);
    this.pulse.asked(this.unsentBytes);
    if (this.answers) this.pulse.answered();
  }
}

describe('the pulse of a link', () => {
  it('NET-61 asks with the first that must not wait, and at most once a second about what follows', () => {
    const story = new Story();
    for (let key = 0; key < 50; key++) {
      story.sends();
      story.passes(100);
    }
    expect(story.asks).toHaveLength(6);
    story.passes(60_000);
    expect(story.asks, 'nothing goes out, nothing is asked').toHaveLength(6);
    expect(story.pulse.lookAt).toBeUndefined();
  });

  it('NET-62 doubts a link that is silent for a second, so two seconds after any key at the latest', () => {
    for (const sentBefore of [0, 10, 500, 999]) {
      const story = new Story();
      story.sends();
      story.passes(sentBefore);
      story.answers = false;
      story.sends();
      story.passes(2000);
      expect(story.pulse.doubtful, `sent ${sentBefore} ms after another`).toBe(true);
    }
  });

  it('NET-62 is patient up to five seconds while something is heard, or leaves this tab', () => {
    for (const sign of ['heard', 'leaves'] as const) {
      const story = new Story();
      story.answers = false;
      story.unsentBytes = 200_000;
      story.sends();
      for (let i = 0; i < 48; i++) {
        if (sign === 'heard') story.pulse.heard();
        else story.unsentBytes -= 1000;
        story.passes(100);
        expect(story.pulse.doubtful, `${sign}, ${i}`).toBe(false);
      }
      story.pulse.heard();
      story.passes(300);
      expect(story.pulse.doubtful, 'at last').toBe(true);
    }
  });

  it('NET-63 believes it again after three seconds of answers, and less easily if it fails soon after', () => {
    const story = new Story();
    const recovers = (): number => {
      story.answers = false;
      story.sends();
      story.passes(2000);
      expect(story.pulse.doubtful).toBe(true);
      story.answers = true;
      story.pulse.answered();
      const since = story.now;
      for (let i = 0; i < 400 && story.pulse.doubtful; i++) story.passes(100);
      return Math.round((story.now - since) / 1000);
    };
    expect(Array.from({ length: 6 }, recovers)).toEqual([3, 6, 12, 24, 30, 30]);
    story.passes(61_000);
    expect(recovers(), 'long ago').toBe(3);
  });

  it('NET-63 an answer and then silence again proves nothing', () => {
    const story = new Story();
    story.answers = false;
    story.sends();
    story.passes(1500);
    story.pulse.answered();
    story.passes(1000);
    story.pulse.answered();
    story.passes(10_000);
    expect(story.pulse.doubtful).toBe(true);
    story.pulse.answered();
    story.passes(1000);
    expect(story.pulse.doubtful, 'the three seconds begin anew').toBe(true);
  });

  it('NET-63 is dead after thirty seconds of silence, asked once', () => {
    const story = new Story();
    story.answers = false;
    story.sends();
    story.passes(30_900);
    expect([story.pulse.doubtful, story.pulse.dead]).toEqual([true, false]);
    story.passes(200);
    expect([story.pulse.dead, story.asks.length]).toEqual([true, 1]);
  });

  it('NET-63 what a sleeping tab finds overdue is doubtful first, not dead', () => {
    const story = new Story();
    story.answers = false;
    story.sends();
    story.now += 3_600_000;
    story.pulse.look(0);
    expect([story.pulse.doubtful, story.pulse.dead]).toEqual([true, false]);
  });
});
