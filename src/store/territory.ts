import { reversedName } from '../domain/observables/reversed-name.ts'
import type { Queries } from './database.ts'
import type { Parameters } from './visible.ts'

/** What an organisation answers for, and what others answer for more narrowly. Domains have their labels reversed. */
export interface Territory {
  /** CIDR. */
  readonly prefixes: readonly string[]
  readonly otherPrefixes: readonly string[]
  readonly asns: readonly number[]
  readonly countries: readonly string[]
  readonly domains: readonly string[]
  readonly otherDomains: readonly string[]
}

/** Others' entries are read as far as they can lie within one's own: all their prefixes, where one has an AS number. */
export async function readTerritory({ client }: Queries, organisation: string): Promise<Territory> {
  const { rows } = await client.query<{ kind: string; value: string; mine: boolean }>(
    `with entry as materialized (
       select c.kind, c.value, c.organisation = $1 as mine, case when c.kind = 'prefix' then c.value::inet end as network
       from constituency c join organisation o on o.id = c.organisation and o.disabled_at is null
     )
     select kind, value, mine from entry e where mine
       or exists (select from entry m where m.mine and (m.kind, e.kind) = ('asn', 'prefix'))
       or exists (select from entry m where m.mine and e.network << m.network)
       or exists (select from entry m where m.mine and (m.kind, e.kind) = ('domain', 'domain')
         and right(e.value, length(m.value) + 1) = '.' || m.value)
     order by kind, value`,
    [organisation],
  )
  const of = (kind: string, mine: boolean): string[] => [
    ...new Set(rows.filter((row) => row.kind === kind && row.mine === mine).map(({ value }) => value)),
  ]
  return {
    prefixes: of('prefix', true),
    otherPrefixes: of('prefix', false),
    asns: of('asn', true).map(Number),
    countries: of('country', true),
    domains: of('domain', true).map(reversedName),
    otherDomains: of('domain', false).map(reversedName),
  }
}

/**
 * Whether a row of `indicator i` concerns whom the territory is of. An address or a name that several answer for concerns whoever
 * has the longest prefix or suffix around it; by its AS number it concerns its holder unless it lies in a prefix of somebody else; by its
 * country whoever answers for that, too.
 */
export function territoryCondition(territory: Territory, parameters: Parameters): string {
  const [prefixes, otherPrefixes] = [parameters.add(territory.prefixes), parameters.add(territory.otherPrefixes)]
  const [domains, otherDomains] = [parameters.add(territory.domains), parameters.add(territory.otherDomains)]
  const under = (suffix: string) =>
    `(i.domain_reversed = ${suffix} or starts_with(i.domain_reversed, ${suffix} || '.'))`
  return `(exists (select from unnest(${prefixes}::inet[]) mine where i.network <<= mine
      and not exists (select from unnest(${otherPrefixes}::inet[]) other where i.network <<= other and masklen(other) > masklen(mine)))
    or (i.asn = any(${parameters.add(territory.asns)}::bigint[])
      and not exists (select from unnest(${otherPrefixes}::inet[]) other where i.network <<= other))
    or i.country = any(${parameters.add(territory.countries)}::text[])
    or exists (select from unnest(${domains}::text[]) mine where ${under('mine')}
      and not exists (select from unnest(${otherDomains}::text[]) other where length(other) > length(mine) and ${under('other')})))`
}

/**
 * Positions of everything that may concern whom the territory is of, by the indexes, some of them twice: others may answer for it more
 * narrowly, and names beside a domain (`example-a` beside `example`) are among them. {@link territoryCondition} says which do.
 */
export function territoryCandidates(territory: Territory, parameters: Parameters): string {
  const { prefixes, asns, countries, domains } = territory
  return `select i.position from unnest(${parameters.add(prefixes)}::inet[]) mine cross join lateral (
      select position from indicator where network >= network(mine)
        and network <= set_masklen(broadcast(mine), case family(mine) when 4 then 32 else 128 end) offset 0) i
    union all select position from indicator where asn = any(${parameters.add(asns)}::bigint[])
    union all select position from indicator where country = any(${parameters.add(countries)}::text[])
    union all select i.position from unnest(${parameters.add(domains)}::text[]) mine cross join lateral (
      select position from indicator where domain_reversed ~>=~ mine and domain_reversed ~<~ (mine || '/') offset 0) i`
}
