/**
 * The properties of STIX 2.1 objects (§3.2, §4 – §7), one line a type: name, `:` kind, `!` where it is required. Kinds: s text, t time,
 * b boolean, i whole number, n number, S list of texts, r id, R list of ids, o object, O list of objects.
 */
const sdo: Readonly<Record<string, string>> = {
  'attack-pattern': 'name:s! description:s aliases:S kill_chain_phases:O',
  campaign: 'name:s! description:s aliases:S first_seen:t last_seen:t objective:s',
  'course-of-action': 'name:s! description:s action_type:s os_execution_envs:S action_bin:s action_reference:o',
  grouping: 'name:s description:s context:s! object_refs:R!',
  identity: 'name:s! description:s roles:S identity_class:s sectors:S contact_information:s',
  incident: 'name:s! description:s',
  infrastructure: 'name:s! description:s infrastructure_types:S aliases:S kill_chain_phases:O first_seen:t last_seen:t',
  'intrusion-set':
    'name:s! description:s aliases:S first_seen:t last_seen:t goals:S resource_level:s primary_motivation:s secondary_motivations:S',
  location:
    'name:s description:s latitude:n longitude:n precision:n region:s country:s administrative_area:s city:s street_address:s postal_code:s',
  malware:
    'name:s description:s malware_types:S is_family:b! aliases:S kill_chain_phases:O first_seen:t last_seen:t operating_system_refs:R architecture_execution_envs:S implementation_languages:S capabilities:S sample_refs:R',
  'malware-analysis':
    'product:s! version:s host_vm_ref:r operating_system_ref:r installed_software_refs:R configuration_version:s modules:S analysis_engine_version:s analysis_definition_version:s submitted:t analysis_started:t analysis_ended:t result_name:s result:s analysis_sco_refs:R sample_ref:r',
  note: 'abstract:s content:s! authors:S object_refs:R!',
  'observed-data': 'first_observed:t! last_observed:t! number_observed:i! objects:o object_refs:R',
  opinion: 'explanation:s authors:S opinion:s! object_refs:R!',
  report: 'name:s! description:s report_types:S published:t! object_refs:R!',
  'threat-actor':
    'name:s! description:s threat_actor_types:S aliases:S first_seen:t last_seen:t roles:S goals:S sophistication:s resource_level:s primary_motivation:s secondary_motivations:S personal_motivations:S',
  tool: 'name:s! description:s tool_types:S aliases:S kill_chain_phases:O tool_version:s',
  vulnerability: 'name:s! description:s',
  relationship: 'relationship_type:s! description:s source_ref:r! target_ref:r! start_time:t stop_time:t',
  sighting:
    'description:s first_seen:t last_seen:t count:i sighting_of_ref:r! observed_data_refs:R where_sighted_refs:R summary:b',
  'language-content': 'object_ref:r! object_modified:t contents:o!',
  'extension-definition':
    'name:s! description:s schema:s! version:s! extension_types:S! extension_properties:S created_by_ref:r!',
}

const sco: Readonly<Record<string, string>> = {
  artifact: 'mime_type:s payload_bin:s url:s hashes:o encryption_algorithm:s decryption_key:s',
  'autonomous-system': 'number:i! name:s rir:s',
  directory: 'path:s! path_enc:s ctime:t mtime:t atime:t contains_refs:R',
  'domain-name': 'value:s! resolves_to_refs:R',
  'email-addr': 'value:s! display_name:s belongs_to_ref:r',
  'email-message':
    'is_multipart:b! date:t content_type:s from_ref:r sender_ref:r to_refs:R cc_refs:R bcc_refs:R message_id:s subject:s received_lines:S additional_header_fields:o body:s body_multipart:O raw_email_ref:r',
  file: 'hashes:o size:i name:s name_enc:s magic_number_hex:s mime_type:s ctime:t mtime:t atime:t parent_directory_ref:r contains_refs:R content_ref:r',
  'ipv4-addr': 'value:s! resolves_to_refs:R belongs_to_refs:R',
  'ipv6-addr': 'value:s! resolves_to_refs:R belongs_to_refs:R',
  'mac-addr': 'value:s!',
  mutex: 'name:s!',
  'network-traffic':
    'start:t end:t is_active:b src_ref:r dst_ref:r src_port:i dst_port:i protocols:S! src_byte_count:i dst_byte_count:i src_packets:i dst_packets:i ipfix:o src_payload_ref:r dst_payload_ref:r encapsulates_refs:R encapsulated_by_ref:r',
  process:
    'is_hidden:b pid:i created_time:t cwd:s command_line:s environment_variables:o opened_connection_refs:R creator_user_ref:r image_ref:r parent_ref:r child_refs:R',
  software: 'name:s! cpe:s swid:s languages:S vendor:s version:s',
  url: 'value:s!',
  'user-account':
    'user_id:s credential:s account_login:s account_type:s display_name:s is_service_account:b is_privileged:b can_escalate_privs:b is_disabled:b account_created:t account_expires:t credential_last_changed:t account_first_login:t account_last_login:t',
  'windows-registry-key': 'key:s values:O modified_time:t creator_user_ref:r number_of_subkeys:i',
  'x509-certificate':
    'is_self_signed:b hashes:o version:s serial_number:s signature_algorithm:s issuer:s validity_not_before:t validity_not_after:t subject:s subject_public_key_algorithm:s subject_public_key_modulus:s subject_public_key_exponent:i x509_v3_extensions:o',
}

const common =
  'type:s! spec_version:s! id:s! created_by_ref:r created:t! modified:t! revoked:b labels:S confidence:i lang:s external_references:O object_marking_refs:R granular_markings:O extensions:o'
const commonSco = 'type:s! spec_version:s id:s! object_marking_refs:R granular_markings:O defanged:b extensions:o'
const marking =
  'type:s! spec_version:s! id:s! created_by_ref:r created:t! external_references:O object_marking_refs:R granular_markings:O extensions:o name:s definition_type:s definition:o'

export type PropertyKind = 's' | 't' | 'b' | 'i' | 'n' | 'S' | 'r' | 'R' | 'o' | 'O'

export interface Property {
  readonly kind: PropertyKind
  readonly required: boolean
}

function parse(line: string): ReadonlyMap<string, Property> {
  return new Map(
    line.split(' ').map((each) => {
      const [name = '', kind = ''] = each.split(':')
      return [name, { kind: kind.charAt(0) as PropertyKind, required: kind.endsWith('!') }]
    }),
  )
}

/** Type → its properties, the common ones among them. Types that are not here are not kept. */
export const propertiesOf: ReadonlyMap<string, ReadonlyMap<string, Property>> = new Map([
  ...Object.entries(sdo).map(([type, line]) => [type, parse(`${common} ${line}`)] as const),
  ...Object.entries(sco).map(([type, line]) => [type, parse(`${commonSco} ${line}`)] as const),
  ['marking-definition', parse(marking)] as const,
])

/** Whether a type is a Cyber-observable: those have no versions and cannot be revoked (STIX 2.1 §3.2). */
export const isCyberObservable = (type: string): boolean => Object.hasOwn(sco, type)
