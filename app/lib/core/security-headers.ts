/**
 * The security headers of every page the app is made of: one source for the thin server, `vite dev` and the service worker.
 * It decides policies only; who serves which file is the server's business.
 */
import { utf8 } from './bytes.ts';

/** Header names (lower case) and their values. */
export type Headers = Readonly<Record<string, string>>;

/** The one document in which programs of other people run (DESIGN §6). */
export const SANDBOX_FRAME_PATH = '/sandbox/frame.html';

/**
 * What the frame element needs so that the sandbox document is cross-origin isolated (SharedArrayBuffer).
 * The star is needed because the document's origin is opaque: no origin list can name it.
 */
export const SANDBOX_FRAME_ALLOW = 'cross-origin-isolated *';

/**
 * The sandbox document's own policy: no origin, no network, any code. `connect-src blob:` lets a runtime read the bytes the app
 * handed in; nothing else can be reached. `frame-ancestors 'self'` keeps other sites from embedding it.
 */
export const SANDBOX_CSP = [
  'sandbox allow-scripts',
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob: data:",
  'worker-src blob: data:',
  'connect-src blob:',
  "frame-ancestors 'self'",
].join('; ');

/** Device features the app never asks for, and so no injected code can either. */
const REFUSED_FEATURES = [
  'accelerometer',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'serial',
  'usb',
];

const COMMON: Headers = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': REFUSED_FEATURES.map((feature) => `${feature}=()`).join(', '),
};

/** How inline scripts of a page are allowed: by their hashes, or all of them (`vite dev` only, whose scripts change at each request). */
export type InlineScripts = readonly string[] | 'any';

/**
 * The app's Content-Security-Policy. `'self'` in connect-src covers ws: and wss: of the same host in every browser that has Ed25519.
 * Styles are inline because CodeMirror writes them; `frame-src` also stops a sandbox from navigating itself away with data.
 */
export function appContentSecurityPolicy(inlineScripts: InlineScripts): string {
  const inline =
    inlineScripts === 'any' ? ["'unsafe-inline'"] : inlineScripts.map((hash) => `'sha256-${hash}'`);
  return [
    "default-src 'none'",
    ["script-src 'self' 'wasm-unsafe-eval'", ...inline].join(' '),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "frame-src 'self' blob:",
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
    "form-action 'self'",
  ].join('; ');
}

/** Headers of a page or file of the app. Scripts get them too: a worker lives under the policy of its own response. */
export const appHeaders = (inlineScripts: InlineScripts = []): Headers => ({
  ...COMMON,
  'content-security-policy': appContentSecurityPolicy(inlineScripts),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
});

/** Headers of the sandbox document. */
export const sandboxHeaders = (): Headers => ({
  ...COMMON,
  'content-security-policy': SANDBOX_CSP,
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'cross-origin',
});

/** Headers of answers that are no page at all (JSON, refusals). */
export const dataHeaders = (): Headers => ({
  ...COMMON,
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
});

/** The headers for a request path, when it is served as a file. */
export const headersForPath = (path: string, inlineScripts: InlineScripts = []): Headers =>
  path === SANDBOX_FRAME_PATH ? sandboxHeaders() : appHeaders(inlineScripts);

/** base64 SHA-256 of every inline script of a built page, in order, without duplicates. Reads our own HTML only, not hostile HTML. */
export async function inlineScriptHashes(html: string): Promise<string[]> {
  const hashes = new Set<string>();
  for (const [, attributes = '', body = ''] of html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/g)) {
    if (/\bsrc\s*=/.test(attributes)) continue;
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(body)));
    hashes.add(btoa(String.fromCharCode(...digest)));
  }
  return [...hashes];
}
