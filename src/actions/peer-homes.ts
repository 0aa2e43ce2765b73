import { homeOf } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import type { Transaction } from '../store/database.ts'
import { publishedHere } from '../store/peers.ts'
import type { Standing } from './context.ts'

/** A community is kept by one node. @throws {Fault} `not_found`, `home_conflict` */
export function checkKept({ directory }: Standing, peer: string, communities: readonly string[]): void {
  for (const id of communities) {
    if (!directory.communities.has(id))
      throw new Fault('not_found', `There is no community "${id}" here: create it first.`)
    const keeper = [...directory.peers.values()].find((each) => each.id !== peer && each.communities.includes(id))
    if (keeper !== undefined) throw conflict(`The members of "${id}" are kept by ${keeper.name}.`)
  }
}

/** An organisation speaks at one node. @throws {Fault} `not_found`, `home_conflict` */
export async function checkHomes(
  transaction: Transaction,
  standing: Standing,
  peer: string,
  organisations: readonly string[],
): Promise<void> {
  const { directory } = standing
  for (const id of organisations) {
    if (!directory.organisations.has(id)) throw new Fault('not_found', `"${id}" is not enrolled here: enrol it first.`)
    const home = homeOf(directory, id)
    if (id === directory.operator) throw conflict(`"${id}" operates this node, and is at home here.`)
    if (home !== undefined && home.id !== peer) throw conflict(`"${id}" is at home at ${home.name}.`)
  }
  const moving = organisations.filter((id) => homeOf(directory, id) === undefined)
  const [published] = await publishedHere(transaction, moving)
  if (published !== undefined)
    throw conflict(`"${published}" has published at this node: its indicators have their history here.`)
}

const conflict = (sentence: string) => new Fault('home_conflict', sentence)
