import type { RotateNodeKeyInput } from '../../actions/federation-keys.ts'
import { actions } from '../../actions/index.ts'
import type { PinPeerKeyInput, RevokePeerKeyInput } from '../../actions/peer-pins.ts'
import type { AddPeerInput, AmendPeerInput } from '../../actions/peers.ts'
import type { QuarantineInput } from '../../actions/quarantine.ts'
import { limits } from '../../domain/limits.ts'
import { Fields } from '../../formats/fields.ts'
import { type Asked, changing, orNull, reading } from './asked.ts'
import { uuidIn } from './global-id.ts'

interface ById {
  readonly id: string
}

/** The fields of `Query` about other nodes: for whoever operates this one. */
export const peerQueries = {
  peers: reading(({ context, caller }: Asked) => actions['list-peers'](context, caller, undefined)),
  peer: reading(({ context, caller }: Asked, { id }: ById) =>
    orNull(actions['read-peer'](context, caller, { id: uuidIn(id) })),
  ),
  quarantine: reading(({ context, caller }: Asked, input: QuarantineInput) =>
    actions['list-quarantine'](context, caller, pageOf(input)),
  ),
  quarantined: reading(({ context, caller }: Asked, { id }: ById) =>
    orNull(actions['read-quarantined'](context, caller, { id: numberIn(id) })),
  ),
}

/** The fields of `Mutation` about other nodes: each a verb, nothing decided here. */
export const peerMutations = {
  addPeer: changing(({ context, caller }: Asked, { input }: { readonly input: AddPeerInput }) =>
    actions['add-peer'](context, caller, bounded(input)),
  ),
  amendPeer: changing(
    ({ context, caller }: Asked, { id, input }: ById & { readonly input: Omit<AmendPeerInput, 'id'> }) =>
      actions['amend-peer'](context, caller, { ...bounded(input), id: uuidIn(id) }),
  ),
  expelPeer: changing(({ context, caller }: Asked, { id }: ById) =>
    actions['expel-peer'](context, caller, { id: uuidIn(id) }),
  ),
  pinPeerKey: changing(({ context, caller }: Asked, input: PinPeerKeyInput) =>
    actions['pin-peer-key'](context, caller, { ...input, id: uuidIn(input.id) }),
  ),
  revokePeerKey: changing(({ context, caller }: Asked, input: RevokePeerKeyInput) =>
    actions['revoke-peer-key'](context, caller, { ...input, id: uuidIn(input.id) }),
  ),
  rotateNodeKey: changing(({ context, caller }: Asked, input: RotateNodeKeyInput) =>
    actions['rotate-node-key'](context, caller, input),
  ),
  pullPeer: changing(({ context, caller }: Asked, { id }: ById) =>
    actions['pull-peer'](context, caller, { id: uuidIn(id) }),
  ),
  releaseQuarantined: changing(({ context, caller }: Asked, { id }: ById) =>
    actions['release-quarantined'](context, caller, { id: numberIn(id) }),
  ),
  dropQuarantined: changing(async ({ context, caller }: Asked, { id }: ById) => {
    await actions['drop-quarantined'](context, caller, { id: numberIn(id) })
    return id
  }),
}

/** As the contract of REST bounds them. @throws {Fault} `invalid_request` */
function bounded<Input extends { readonly organisations?: readonly string[] }>(input: Input): Input {
  const fields = new Fields({ ...input }, '', 'invalid_request')
  fields.integer('itemsPerHour', 1, 2_000_000_000)
  fields.integer('bytesPerHour', 1, Number.MAX_SAFE_INTEGER)
  fields.texts('organisations', 10_000)
  fields.texts('communities', 10_000)
  return input
}

/** @throws {Fault} `invalid_request` */
function pageOf({ peer, after, limit = limits.pageRecordsDefault, code }: QuarantineInput): QuarantineInput {
  const fields = new Fields({ limit, after }, '', 'invalid_request')
  fields.integer('limit', 1, limits.pageRecords)
  if (after !== undefined && !isNumber(after)) throw fields.fault('after', '"after" is the id of the last one before')
  return {
    limit,
    ...(code === undefined ? {} : { code }),
    ...(peer === undefined ? {} : { peer: uuidIn(peer) }),
    ...(after === undefined ? {} : { after }),
  }
}

const isNumber = (id: string): boolean => /^[0-9]{1,18}$/.test(id)

/** What is no id of something in quarantine names nothing: the answer is that of one that is not there. */
const numberIn = (id = ''): string => (isNumber(id) ? id : '0')
