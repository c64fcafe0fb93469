// The landing page is the one page whose HTML is made at build time: it shows before any script runs.
export const ssr = true;
export const prerender = true;
