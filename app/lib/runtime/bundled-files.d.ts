/** `?sandbox`: the URL of the module as one classic script (bundle-plugin.ts). */
declare module '*?sandbox' {
  const url: string;
  export default url;
}
/** Python source, as text, inside sandbox bundles. */
declare module '*.py' {
  const source: string;
  export default source;
}
