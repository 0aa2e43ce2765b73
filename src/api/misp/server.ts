import { actions } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import { paps } from '../../domain/pap.ts'
import { tlps } from '../../domain/tlp.ts'
import { derivedUuid, numberOf } from '../../formats/misp-ids.ts'
import { mispOrganisation } from '../../formats/misp-out.ts'
import { mispTag } from '../../formats/misp-out-attribute.ts'
import { describedTypes } from '../../formats/misp-types.ts'
import type { Handler } from './handler.ts'

/** The version of MISP's API that this is like; clients ask for it before anything else. */
const version = '2.5.0'

export const mispVersion: Handler = async () => ({
  version,
  pymisp_recommended_version: version,
  perm_sync: false,
  perm_sighting: true,
  perm_galaxy_editor: false,
  request_encoding: [],
  filter_sightings: false,
})

export const mispTypes: Handler = async () => ({ result: describedTypes() })

/** Tags about handling, each with the number that MISP's clients know tags by. */
export const knownTags = [...tlps.map((tlp) => `tlp:${tlp}`), ...paps.map((pap) => `PAP:${pap.toUpperCase()}`)].map(
  (name) => ({ id: numberOf(derivedUuid(`tag|${name}`)), ...mispTag(name) }),
)

/** Tags that mean something to this node; any others may be used as well. */
export const mispTags: Handler = async () => ({ Tag: knownTags })

/** Who is calling. Others are nobody's business: MISP shows them to administrators, and this node at another door. */
export const mispUser: Handler = async (context, request) => {
  const { account, organisation, scopes } = await actions.whoami(context, request.caller, undefined)
  const id = numberOf(derivedUuid(`account|${account.id}`))
  const asked = (request.params as { readonly id?: string }).id?.replace(/\.json$/, '')
  if (asked !== undefined && asked !== 'me' && asked !== id)
    throw new Fault('not_found', 'There is no such thing here.')
  const writes = scopes.includes('write') && account.roles.includes('publisher')
  const role = numberOf(derivedUuid(`role|${writes}`))
  const home = mispOrganisation({ originator: organisation })
  return {
    User: {
      id,
      email: account.id,
      org_id: home.id,
      role_id: role,
      autoalert: false,
      disabled: false,
      termsaccepted: true,
    },
    Role: {
      id: role,
      name: writes ? 'publisher' : 'reader',
      perm_add: writes,
      perm_modify: writes,
      perm_modify_org: false,
      perm_publish: writes,
      perm_delete: writes,
      perm_sync: false,
      perm_admin: false,
      perm_site_admin: false,
      perm_auth: true,
      perm_sighting: scopes.includes('write'),
      perm_tagger: writes,
    },
    UserSetting: [],
    Organisation: home,
  }
}
