import { Client } from 'pg'

/** Makes another database on the server of one. @param name lower-case letters, digits and `_` @returns its URL */
export async function createDatabase(url: string, name: string): Promise<string> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
  const other = new URL(url)
  other.pathname = `/${name}`
  return other.href
}
