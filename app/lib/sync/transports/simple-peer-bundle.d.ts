/** The browser bundle that simple-peer ships: it needs no polyfills, and is the same API. */
declare module 'simple-peer/simplepeer.min.js' {
  import SimplePeer from 'simple-peer';
  export default SimplePeer;
}
