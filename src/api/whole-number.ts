/**
 * Whether a text is a whole number as people write one: digits alone. `Number` would read `1e2`, `0x10`, `+5`, ` 5` and nothing at all as
 * numbers, too.
 */
export const isWholeNumber = (text: string): boolean => /^(?:0|[1-9]\d{0,15})$/.test(text)
