import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Context } from '../../actions/index.ts'
import type { ActionName } from '../../domain/action-names.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { parseStrict } from '../../formats/json-text.ts'
import { mispReadAttribute, mispSearchAttributes } from './attributes.ts'
import { mispDeleteAttribute, mispDeleteEvent, mispDeleteObject } from './delete.ts'
import { mispEditAttribute } from './edit.ts'
import { speakMisp } from './errors.ts'
import { mispIndex, mispPublishEvent, mispReadEvent, mispSearchEvents } from './events.ts'
import { mispFeed } from './feed.ts'
import type { Handler } from './handler.ts'
import { mispSearchObjects } from './objects.ts'
import { mispAddAttributes, mispAddEvent, mispAddObject } from './publish.ts'
import { mispTags, mispTypes, mispUser, mispVersion } from './server.ts'
import { mispSight } from './sightings.ts'
import { mispAttachTag, mispRemoveTag } from './tags.ts'

/** By operations of the contract; MISP has several paths for one thing. */
const handlers: Readonly<Record<string, Handler>> = {
  mispVersion,
  mispVersionJson: mispVersion,
  mispPymispVersion: mispVersion,
  mispUser,
  mispTypes,
  mispTypesJson: mispTypes,
  mispTags,
  mispTagsIndex: mispTags,
  mispSearchEvents,
  mispIndex,
  mispSearchIndex: mispIndex,
  mispReadEvent,
  mispReadEventByPost: mispReadEvent,
  mispAddEvent,
  mispEditEvent: mispAddEvent,
  mispAddEventWith: mispAddEvent,
  mispEditEventWith: mispAddEvent,
  mispPublishEvent,
  mispSearchAttributes,
  mispReadAttribute,
  mispAddAttributes,
  mispAddAttributesWith: mispAddAttributes,
  mispAddObject,
  mispAddObjectWith: mispAddObject,
  mispEditAttribute,
  mispSearchObjects,
  mispDeleteEvent,
  mispDeleteEventByDelete: mispDeleteEvent,
  mispDeleteAttribute,
  mispDeleteAttributeByDelete: mispDeleteAttribute,
  mispDeleteObject,
  mispDeleteObjectByDelete: mispDeleteObject,
  mispAttachTag,
  mispTagEvent: mispAttachTag,
  mispTagAttribute: mispAttachTag,
  mispTagEventByPath: mispAttachTag,
  mispTagEventByPathWith: mispAttachTag,
  mispTagAttributeByPath: mispAttachTag,
  mispTagAttributeByPathWith: mispAttachTag,
  mispRemoveTag,
  mispUntagEvent: mispRemoveTag,
  mispUntagAttribute: mispRemoveTag,
  mispUntagEventByPath: mispRemoveTag,
  mispUntagAttributeByPath: mispRemoveTag,
  mispSight,
  mispSightOne: mispSight,
  mispFeed,
}

/** One operation of the contract whose door this is. */
export interface MispOperation {
  readonly operationId: string
  readonly action: ActionName
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** In fastify's spelling, with the prefix. */
  readonly url: string
}

/** What a client of MISP is given as its base URL, with a slash at the end. */
export const mispPrefix = '/misp'

/**
 * Registers the doors for clients of MISP, as the contract lists them. Their keys come without a scheme, and their errors have a form
 * of their own.
 * @throws at boot when the contract has an operation without a handler, or a handler has no operation
 */
export async function registerMisp(
  app: FastifyInstance,
  context: Context,
  operations: readonly MispOperation[],
): Promise<void> {
  const promised = new Set(operations.map(({ operationId }) => operationId))
  const idle = Object.keys(handlers).filter((name) => !promised.has(name))
  if (idle.length > 0) throw new Error(`openapi.yaml does not have the operations ${idle.join(', ')}`)
  await app.register(
    async (scope) => {
      speakMisp(scope, context.log)
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, bytes: Buffer) =>
        bytes.length === 0 ? undefined : parseStrict(bytes),
      )
      for (const { operationId, action, method, url } of operations) {
        const handler = handlers[operationId]
        if (handler === undefined) throw new Error(`the operation ${operationId} of openapi.yaml has no handler`)
        scope.route({
          method,
          url: url.slice(mispPrefix.length),
          bodyLimit: action === 'publish' ? limits.mispBodyBytes : limits.bodyBytes,
          onRequest: action === 'publish' ? knownOnly : [],
          config: { action, plainKeys: true },
          handler: (request, reply) => handler(context, request, reply),
        })
      }
    },
    { prefix: mispPrefix },
  )
}

/** Whoever may not publish anyway sends no events to be read. */
const knownOnly = async ({ caller }: FastifyRequest): Promise<void> => {
  if (caller.reader.account !== undefined) return
  throw new Fault(
    'credentials_required',
    'Authentication failed: send an API key of this node in the header Authorization.',
  )
}
