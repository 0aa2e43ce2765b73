import type { Handling } from '../domain/handling.ts'

/** TLP:RED never leaves the node by a feed, whoever follows: it is read one by one by those it names. */
export const mayBeFollowed = ({ tlp }: Handling): boolean => tlp !== 'red'
