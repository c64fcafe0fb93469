// A room is made of keys that only the browser holds: there is nothing to render ahead of it.
export const ssr = false;
export const prerender = false;
