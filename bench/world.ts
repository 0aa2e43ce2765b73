import type { FastifyInstance } from 'fastify'
import type { Context } from '../src/actions/index.ts'
import { startContext } from '../src/actions/start.ts'
import type { Guards } from '../src/api/guards.ts'
import { buildApp } from '../src/app.ts'
import { mintKey } from '../src/auth/api-keys.ts'
import { wayOut } from '../src/delivery/http.ts'
import { canonicalHandling } from '../src/domain/handling.ts'
import { insertAccount } from '../src/store/accounts.ts'
import { createDatabase } from '../src/store/embedded/more-databases.ts'
import type { EmbeddedPostgres } from '../src/store/embedded/start.ts'
import { startThrowAway } from '../src/store/embedded/throw-away.ts'
import { insertKey } from '../src/store/keys.ts'
import { migrate } from '../src/store/migrate.ts'
import { insertOrganisation } from '../src/store/organisations.ts'
import { enrolPublisher } from '../test/server.ts'
import { Client } from './client.ts'

/** Readers by how much of what is there they may see. */
export const shares = { 'ninety-percent': 0.9, 'one-percent': 0.01, few: 0.0001, nothing: 0 } as const
export type Share = keyof typeof shares

/** One throw-away cluster for all nodes of this process: to make one takes longer than some jobs. */
let cluster: Promise<EmbeddedPostgres> | undefined
let databases = 0

/** A new database on it. */
export async function newDatabase(): Promise<string> {
  cluster ??= startThrowAway()
  return await createDatabase((await cluster).url, `bench_${++databases}`)
}

/** Ends the cluster, once all nodes are closed. */
export async function endCluster(): Promise<void> {
  await (await cluster)?.stop()
}

/** A node on a database of its own, with a publisher and a reader for each share. */
export interface BenchNode {
  readonly context: Context
  readonly app: FastifyInstance
  readonly client: Client
  readonly url: string
  readonly publisher: Record<string, string>
  readonly readers: Record<Share, Record<string, string>>
  close(): Promise<void>
}

/** @param database a new one; made where none is given */
export async function startBenchNode(guards: Partial<Guards> = {}, database?: string): Promise<BenchNode> {
  const databaseUrl = database ?? (await newDatabase())
  await migrate(databaseUrl, 'migrations')
  const publisher = await enrolPublisher(databaseUrl)
  const context = await startContext({
    database: { url: databaseUrl, connections: 10, statementTimeoutMs: 600_000 },
    clock: () => new Date(),
    log: { info: () => {}, warn: () => {}, error: (facts) => console.error(facts) },
    version: 'bench',
    listen: true,
    wayOut: wayOut({ privateHosts: ['127.0.0.1'] }),
  })
  const readers = {} as Record<Share, Record<string, string>>
  for (const share of Object.keys(shares) as Share[]) readers[share] = bearer(await enrolReader(context, share))
  const app = await buildApp(context, { root: process.cwd(), requestsPerMinute: 1_000_000, trustProxy: [], guards })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const client = new Client(url)
  const close = async () => {
    client.close()
    await app.close()
    await context.close()
  }
  return { context, app, client, url, publisher: bearer(publisher), readers, close }
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

export async function enrolReader(context: Context, id: string): Promise<string> {
  const { id: keyId, secret, digest } = mintKey()
  await context.database.transaction(async (transaction) => {
    await insertOrganisation(transaction, { id, name: id, kind: 'national-cert', jurisdiction: 'BR' })
    await insertAccount(transaction, { id: `ana.${id}`, organisation: id, name: 'Ana', roles: ['reader'] })
    await insertKey(transaction, { id: keyId, account: `ana.${id}`, name: 'bench', digest, scopes: ['read'] })
  })
  return secret
}

/** Ids of AMBER handlings by who may see them: most, one in a hundred, one in ten thousand, nobody but the publisher. */
export async function sharedHandlings(context: Context): Promise<readonly number[]> {
  const handling = (organisations: string[]) =>
    canonicalHandling({
      originator: 'cert-br',
      tlp: 'amber',
      pap: 'green',
      organisations,
      communities: [],
      people: [],
      lawEnforcement: 'on-request',
      personalData: false,
      maskable: true,
      attribution: 'named',
    })
  return await context.policy.intern([
    handling(['ninety-percent']),
    handling(['one-percent']),
    handling(['few']),
    handling(['cert-br']),
  ])
}

/**
 * Brings the store to so many rows of AMBER, shared so that each reader may see its share of them, evenly scattered. Written by SQL:
 * what is measured here is reading.
 */
export async function fill(context: Context, rows: number): Promise<void> {
  const [most, some, few, own] = await sharedHandlings(context)
  const { rows: head } = await context.database.client.query('select position::int as position from feed_head')
  await context.database.client.query(
    `with made as (
       select n, case when n % 10000 = 7 then $3::int when n % 100 = 3 then $2::int when n % 10 <> 9 then $1::int else $4::int end as handling,
         gen_random_uuid() as id, 'h' || n || '.bench.example.org' as name,
         timestamptz '2026-01-01' + n * interval '1 microsecond' as at
       from generate_series($5::int + 1, $6::int) n
     ), written as (
       insert into indicator (originator, stix_id, version, handling_id, type, value, value_key, compound, domain_reversed, class, confidence, labels,
         valid_from, created, modified, format, stix, digest, position, date_added)
       select 'cert-br', id, 1, handling, 'domain-name', name, substr(sha256(convert_to('name:' || name, 'UTF8')), 1, 16), false,
         'org.example.bench.h' || n, 'phishing', 70, array['rsit:fraud="phishing"'], at, at, at, 'puente',
         '{"type":"indicator","spec_version":"2.1","id":"indicator--' || id || '","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"' || name
           || '","pattern":"[domain-name:value = ''' || name || ''']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00.000Z","confidence":70,"labels":["phishing"],"object_marking_refs":["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"]}',
         sha256(convert_to(name, 'UTF8')), n, at
       from made
     )
     insert into feed (position, at, kind, originator, stix_id, version, handling_id)
     select n, at, 'published', 'cert-br', id, 1, handling from made`,
    [most, some, few, own, head[0]?.position ?? 0, rows],
  )
  await context.database.client.query(
    `update feed_head set position = $1::bigint, at = timestamptz '2026-01-01' + $1::bigint * interval '1 microsecond'`,
    [rows],
  )
  await context.database.client.query('vacuum analyze')
  await context.column.catchUp()
}
