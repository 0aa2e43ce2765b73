import type { FastifyInstance, RouteOptions } from 'fastify'
import { type ActionName, actionNames } from '../domain/action-names.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The action behind the route; with a route that has none the node does not boot. */
    action?: ActionName
    /** For machines and newcomers: answered without looking at credentials. */
    open?: boolean
    /** Keys of blocklists are taken here, and nowhere else. */
    listKeys?: boolean
    /** Keys are taken without a scheme before them, as clients of MISP send them. */
    plainKeys?: boolean
  }
}

/** Refuses to boot with a route that names no action: nothing is answered that no rule was asked about. */
export function requireActions(app: FastifyInstance): void {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    routes.push(route)
  })
  app.addHook('onReady', async () => {
    for (const { method, url, config } of routes) {
      const action = config?.action
      if (action === undefined || !actionNames.includes(action)) {
        throw new Error(`the route ${String(method)} ${url} names no action`)
      }
    }
  })
}
