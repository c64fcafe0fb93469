import { expect, test } from 'vitest';
import { DrawPace, FLOOD_CHARS, FLOOD_REST_MS } from './draw-pace.ts';

function paced(): { pace: DrawPace; drawn: () => number; asked: (number | 'frame')[]; go: () => void } {
  let drawings = 0;
  const asked: (number | 'frame')[] = [];
  const waiting: (() => void)[] = [];
  const pace = new DrawPace(() => void drawings++, {
    nextFrame: (action) => void (asked.push('frame'), waiting.push(action)),
    later: (action, ms) => void (asked.push(ms), waiting.push(action)),
  });
  return { pace, drawn: () => drawings, asked, go: () => waiting.shift()?.() };
}

test('what changes within a frame is drawn once, with the frame', () => {
  const { pace, drawn, asked, go } = paced();
  for (let line = 0; line < 10; line++) pace.changed(80);
  expect([drawn(), asked]).toEqual([0, ['frame']]);
  go();
  pace.changed(80);
  expect([drawn(), asked]).toEqual([1, ['frame', 'frame']]);
});

test('after a drawing of much the next one waits, until little comes again', () => {
  const { pace, drawn, asked, go } = paced();
  pace.changed(FLOOD_CHARS + 1);
  go();
  pace.changed(10);
  go();
  pace.changed(10);
  go();
  expect([drawn(), asked]).toEqual([3, ['frame', FLOOD_REST_MS, 'frame']]);
});
