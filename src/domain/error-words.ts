/**
 * What may be told of an error that nobody expected, in a log or to whoever runs a command. The query builder's quote the values of the
 * statement that failed, and those are indicators, secrets and keys: of these the statement is told, and where its values stood.
 */
export function wordsOf(error: Error): { readonly message: string; readonly stack: string | undefined } {
  const { message, stack } = error
  const { query } = error as { readonly query?: unknown }
  if (!('params' in error)) return { message, stack }
  const told = typeof query === 'string' ? `Failed query: ${query}` : 'Failed query'
  return { message: told, stack: stack?.replace(message, () => told) }
}
