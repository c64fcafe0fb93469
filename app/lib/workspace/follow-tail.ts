/** A log that shows its end as it grows, until somebody scrolls up to read, and again when they come back. */

/** How near to the end counts as "at the end", in px: a line and a bit. */
const NEAR_END_PX = 28;

/** Keeps `scroller` at its end; tells `onFollows` whether it does, whenever that changes. Returns the way to stop. */
export function followTail(scroller: HTMLElement, onFollows?: (follows: boolean) => void): () => void {
  let follows = true;
  let lastTop = 0;
  const toEnd = (): void => {
    if (follows) scroller.scrollTop = scroller.scrollHeight;
  };
  const follow = (now: boolean): void => {
    if (now !== follows) onFollows?.(now);
    follows = now;
  };
  // Growing content moves the end away from under the reader; only going up is leaving it.
  const onScroll = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    if (scrollHeight - scrollTop - clientHeight < NEAR_END_PX) follow(true);
    else if (scrollTop < lastTop - 1) follow(false);
    lastTop = scrollTop;
  };
  scroller.addEventListener('scroll', onScroll, { passive: true });
  const changes = new MutationObserver(toEnd);
  changes.observe(scroller, { childList: true, subtree: true, characterData: true });
  const sizes = new ResizeObserver(toEnd);
  for (const element of [scroller, ...scroller.children]) sizes.observe(element);
  return () => {
    scroller.removeEventListener('scroll', onScroll);
    changes.disconnect();
    sizes.disconnect();
  };
}
