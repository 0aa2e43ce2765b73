/** One step of a JSON pointer (RFC 6901 §3), with its slash. */
export const pointerStep = (name: string | number): string =>
  `/${typeof name === 'number' ? name : name.replaceAll('~', '~0').replaceAll('/', '~1')}`
