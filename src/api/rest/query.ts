/** A query string as the contract's schemas let it through. */
export type Query = Readonly<Record<string, unknown>>

/** Repeated parameters, or one with commas, as a list; undefined when absent. */
export function asList(value: unknown): string[] | undefined {
  if (value === undefined) return undefined
  const items = Array.isArray(value) ? value : [value]
  return items
    .flatMap((item) => String(item).split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** Members that are present, for inputs with optional ones. */
export const present = <T extends object>(value: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T
