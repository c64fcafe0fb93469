/** Why a sandbox could not be opened, in words for people. */
export class SandboxError extends Error {}
