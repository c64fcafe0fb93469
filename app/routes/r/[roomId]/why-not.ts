import type { LinkProblem } from '../../../lib/crypto/links.ts';
import type { MissingSupport } from '../../browser-support.ts';

/** Why a link opens no room here. */
export type WhyNot =
  | { readonly kind: 'wrong-link'; readonly problem: LinkProblem | { readonly kind: 'not-its-key' } }
  | { readonly kind: 'link-replaced' }
  | { readonly kind: 'unsupported'; readonly reason: MissingSupport }
  | { readonly kind: 'stale-app' };
