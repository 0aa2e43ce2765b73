import type { TestNode } from './node.ts'

/** Every column of every table in which a text is, as it is, in hexadecimal, or in base64. */
export async function whereIs(node: TestNode, text: string): Promise<string[]> {
  const { client } = node.context.database
  const { rows } = await client.query<{ table: string; column: string; type: string }>(
    `select c.table_name as table, c.column_name as column, c.udt_name as type from information_schema.columns c
     join information_schema.tables t using (table_schema, table_name) where c.table_schema = 'public' and t.table_type = 'BASE TABLE'`,
  )
  const found: string[] = []
  const wanted = [text, Buffer.from(text).toString('hex'), Buffer.from(text).toString('base64').slice(0, 12)]
  for (const { table, column } of rows) {
    const hits = await client.query(
      `select from "${table}" where exists (select from unnest($1::text[]) w where position(w in "${column}"::text) > 0) limit 1`,
      [wanted],
    )
    if (hits.rows.length > 0) found.push(`${table}.${column}`)
  }
  return found.sort()
}
